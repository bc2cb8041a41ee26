from clarifai.rest import ApiClient, ClarifaiApp

# without a key: 2.2 asks for a token first, 2.6 sends the word None
app = ClarifaiApp()
before = len(app.inputs.get_by_page())

# an app's id and secret, which came before keys; 2.6 says that they are no more
try:
    old = ClarifaiApp("app_id", "app_secret")
except DeprecationWarning:
    pass
else:
    assert len(old.inputs.get_by_page()) == before

client = ApiClient(api_key="YOUR_API_KEY")
assert client.get_inputs(page=1, per_page=5)["status"]["code"] == 10000
assert client.get_inputs_status()["counts"]["to_process"] == 0
