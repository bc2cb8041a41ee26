import base64

from clarifai.rest import ApiError, ClarifaiApp, UserError
from clarifai.rest import Image as ClImage

app = ClarifaiApp(api_key="YOUR_API_KEY")
app.inputs.delete_all()
app.inputs.create_image_from_url("https://samples.clarifai.com/red.jpg", image_id="red")


def refused(call):
    try:
        call()
    except ApiError as error:
        return error.response.status_code, error.error_code
    raise AssertionError("no ApiError")


def item_code(call):
    try:
        call()
    except ApiError as error:
        return error.response.json()["inputs"][0]["status"]["code"]
    raise AssertionError("no ApiError")


inputs = app.inputs
assert refused(lambda: inputs.get("none")) == (404, 30102)
assert refused(lambda: inputs.delete("none")) == (404, 30102)
assert refused(lambda: inputs.search_by_image(image_id="none")) == (404, 30102)
assert refused(lambda: inputs.create_image_from_url("https://elsewhere.example/a.jpg")) == (
    400,
    10020,
)
assert item_code(lambda: inputs.create_image_from_url("https://elsewhere.example/a.jpg")) == 30002
again = "https://samples.clarifai.com/red.jpg"
assert item_code(lambda: inputs.create_image_from_url(again)) == 30100
assert item_code(lambda: inputs.create_image_from_url(again.replace("red", "blue"), "red")) == 40010
no_picture = base64.b64encode(b"no picture")
assert item_code(lambda: inputs.create_image_from_base64(no_picture)) in (30101, 30300)
name = f"taken{id(app)}"
app.concepts.create(name)
assert refused(lambda: app.concepts.create(name)) == (400, 40003)
assert refused(lambda: app.public_models.wedding_model.predict_by_url(again))[0] == 404

for call in (
    lambda: inputs.bulk_create_images([ClImage(url=again)] * 129),
    lambda: inputs.search_by_image(),
    lambda: inputs.search_by_image(url=again, image_id="red"),
    lambda: ClImage(filename="none.jpg"),
    lambda: ClImage(url=again, concepts="cat"),
):
    try:
        call()
    except UserError:
        continue
    raise AssertionError("no UserError")
assert [one.input_id for one in inputs.get_all()] == ["red"]
