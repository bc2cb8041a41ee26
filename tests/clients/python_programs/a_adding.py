# ruff: noqa: SIM115 - files are opened as the old documentation shows it
import base64
import io

from clarifai.rest import ClarifaiApp
from clarifai.rest import Image as ClImage

app = ClarifaiApp(api_key="YOUR_API_KEY")
app.inputs.delete_all()
app.wait_until_inputs_delete_finish()
assert list(app.inputs.get_all()) == []

# several at once
img1 = ClImage(url="https://samples.clarifai.com/metro-north.jpg")
img2 = ClImage(url="https://samples.clarifai.com/puppy.jpg")
img3 = ClImage(file_obj=open("filename_on_local_disk.jpg", "rb"))
added = app.inputs.bulk_create_images([img1, img2, img3])
assert [one.url for one in added[:2]] == [img1.url, img2.url]
assert added[2].url and len({one.input_id for one in added}) == 3
assert [one.status.code for one in added] == [30000] * 3

# one, in every form
with open("aa.jpg", "rb") as file:
    raw_bytes = file.read()
base64_bytes = base64.b64encode(raw_bytes)
app.inputs.create_image_from_url("https://samples.clarifai.com/wedding.jpg", concepts=["boscoe"])
app.inputs.create_image_from_filename("aa.jpg", concepts=["boscoe"])
app.inputs.create_image_from_bytes(raw_bytes, image_id="by-bytes")
app.inputs.create_image_from_base64(base64_bytes, image_id="by-base64", metadata={"size": 100})
app.inputs.create_image(ClImage(file_obj=io.BytesIO(raw_bytes), image_id="by-object"))
assert app.inputs.get("by-bytes").input_id == "by-bytes"
assert app.inputs.get("by-base64").metadata == {"size": 100}

# with concepts and their opposite
both = app.inputs.create_image(
    ClImage(
        url="https://samples.clarifai.com/dog.tiff",
        image_id="dog",
        concepts=["boscoe"],
        not_concepts=["our_wedding"],
        allow_dup_url=True,
    )
)
assert (both.concepts, both.not_concepts) == (["boscoe"], ["our_wedding"])

# the list, page by page and whole
everything = [one.input_id for one in app.inputs.get_all()]
assert len(everything) == 9
assert [one.input_id for one in app.inputs.get_by_page(page=2, per_page=4)] == everything[4:8]
assert app.inputs.get_by_page(page=99, per_page=4) == []
counts = app.inputs.check_status()
assert (counts.processed, counts.to_process, counts.errors) == (9, 0, 0)
app.wait_until_inputs_upload_finish(max_wait=5)

# away again
assert app.inputs.delete("by-bytes").code == 10000
assert app.inputs.delete(["by-base64", "by-object"]).code == 10000
assert len(list(app.inputs.get_all(ignore_error=True))) == 6
