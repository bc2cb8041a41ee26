import base64

from clarifai.rest import ClarifaiApp, Concept
from clarifai.rest import Image as ClImage

app = ClarifaiApp(api_key="YOUR_API_KEY")
model = app.models.get("general-v1.3")
url = "https://samples.clarifai.com/red.jpg"
with open("filename_on_local_disk.jpg", "rb") as file:
    data = file.read()


def concepts(answer):
    assert answer["status"]["code"] == 10000
    return answer["outputs"][0]["data"]["concepts"]


by_url = concepts(model.predict_by_url(url))
assert by_url[0]["value"] >= by_url[-1]["value"] and len(by_url) <= 20
assert "red" in [one["name"] for one in by_url]
by_file = concepts(model.predict_by_filename("filename_on_local_disk.jpg"))
assert concepts(model.predict_by_bytes(data)) == by_file
assert concepts(model.predict_by_base64(base64.b64encode(data))) == by_file
assert concepts(model.predict([ClImage(url=url)])) == by_url
assert concepts(app.public_models.general_model.predict_by_url(url)) == by_url
assert concepts(app.tag_urls([url])) == by_url
assert concepts(app.tag_files(["filename_on_local_disk.jpg"])) == by_file
assert len(concepts(model.predict_by_url(url, max_concepts=3))) == 3
assert all(one["value"] >= 0.5 for one in concepts(model.predict_by_url(url, min_value=0.5)))
chosen = model.predict_by_url(url, select_concepts=[Concept(concept_name="green")])
assert [one["name"] for one in concepts(chosen)] == ["green"]

embedding = app.public_models.general_embedding_model.predict_by_url(url)
(vector,) = embedding["outputs"][0]["data"]["embeddings"]
assert vector["num_dimensions"] == len(vector["vector"])

models = list(app.models.get_all())
assert "general-v1.3" in [one.model_name for one in models]
assert app.models.search("general-v1.3")
assert model.get_info()["model"]["name"] == "general-v1.3"
assert "concepts" in model.get_info(verbose=True)["model"]["output_info"]["data"]
assert list(app.workflows.get_all()) == []
