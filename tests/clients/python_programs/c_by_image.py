# ruff: noqa: SIM115 - files are opened as the old documentation shows it
import base64
import io

from clarifai.rest import ClarifaiApp
from clarifai.rest import Image as ClImage

app = ClarifaiApp(api_key="YOUR_API_KEY")
app.inputs.delete_all()
for name in ("red", "green", "white", "blue"):
    app.inputs.create_image_from_url(f"https://samples.clarifai.com/{name}.jpg", image_id=name)
app.inputs.create_image_from_filename("filename_on_local_disk.jpg", image_id="local")


def best(found):
    assert [one.score for one in found] == sorted([one.score for one in found], reverse=True)
    assert found[0].score > 0.99 and found[1].score < found[0].score
    return found[0].input_id


assert best(app.inputs.search_by_image(url="https://samples.clarifai.com/red.jpg")) == "red"
assert best(app.inputs.search_by_image(image_id="green")) == "green"

with open("filename_on_local_disk.jpg", "rb") as file:
    data = file.read()
assert best(app.inputs.search_by_image(imgbytes=data)) == "local"
assert best(app.inputs.search_by_image(base64bytes=base64.b64encode(data))) == "local"
assert best(app.inputs.search_by_image(filename="filename_on_local_disk.jpg")) == "local"
fio = open("filename_on_local_disk.jpg", "rb")
assert best(app.inputs.search_by_image(fileobj=fio)) == "local"
assert best(app.inputs.search_by_image(fileobj=io.BytesIO(data))) == "local"
assert best(app.inputs.search_by_image(image=ClImage(image_id="q", file_obj=io.BytesIO(data)))) == (
    "local"
)
if MENDED:  # noqa: F821 - a global of run_programs
    assert best(app.inputs.search_by_image(base64bytes=base64.b64encode(data).decode())) == "local"

# by the URL under which a picture that came as bytes is shown
assert best(app.inputs.search_by_image(url=app.inputs.get("local").url)) == "local"

# a part of it
cropped = app.inputs.search_by_image(
    url="https://samples.clarifai.com/red.jpg", crop=[0.1, 0.1, 0.9, 0.9]
)
assert cropped[0].input_id == "red"

# pages of a visual search
pages = [app.inputs.search_by_image(image_id="red", page=page, per_page=2) for page in (1, 2, 3, 4)]
assert [len(page) for page in pages] == [2, 2, 1, 0]
assert len({one.input_id for page in pages for one in page}) == 5
assert app.inputs.search_by_image(url="https://samples.clarifai.com/red.jpg", page=999999999) == []
