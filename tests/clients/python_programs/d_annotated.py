from clarifai.rest import (
    ClarifaiApp,
    FeedbackInfo,
    InputSearchTerm,
    OutputSearchTerm,
    SearchQueryBuilder,
)
from clarifai.rest import Image as ClImage

app = ClarifaiApp(api_key="YOUR_API_KEY")
app.inputs.delete_all()
images = [
    ClImage(url="https://samples.clarifai.com/red.jpg", image_id="red", concepts=["tree"]),
    ClImage(
        url="https://samples.clarifai.com/green.jpg",
        image_id="green",
        concepts=["tree", "water"],
        metadata={"album": {"name": "spring", "list": [4, 5]}, "size": 100},
    ),
    ClImage(url="https://samples.clarifai.com/blue.jpg", image_id="blue", not_concepts=["tree"]),
]
app.inputs.bulk_create_images(images)


def ids(found):
    return [one.input_id for one in found]


# what users said
search = app.inputs.search_by_annotated_concepts
assert ids(search(concept="tree")) == ["red", "green"]
assert ids(search(concept_id="water")) == ["green"]
assert ids(search(concept="tree", value=False)) == ["blue"]
assert ids(search(concepts=["tree", "water"], values=[True, False])) == ["red"]
assert [one.score for one in search(concept="tree")] == [1, 1]

# metadata, and the exact URL
assert ids(app.inputs.search_by_metadata(metadata={"size": 100})) == ["green"]
assert ids(app.inputs.search_by_metadata({"album": {"name": "spring"}})) == ["green"]
assert ids(app.inputs.search_by_metadata({"album": {"list": [5]}})) == ["green"]
assert ids(app.inputs.search_by_metadata({"album": {"name": "autumn"}})) == []
url = "https://samples.clarifai.com/blue.jpg"
assert ids(app.inputs.search_by_original_url(url)) == ["blue"]

# terms combined
query = SearchQueryBuilder()
query.add_term(InputSearchTerm(concept="tree"))
query.add_term(OutputSearchTerm(concept="green", value=False))
query.add_term(OutputSearchTerm(url="https://samples.clarifai.com/red.jpg"))
hits = app.inputs.search(query)
assert ids(hits) == ["red"] and hits[0].score > 0.99
query = SearchQueryBuilder()
query.add_term(InputSearchTerm(input_id="blue"))
assert ids(app.inputs.search(query)) == ["blue"]

# changed afterwards
image = app.inputs.merge_concepts("red", concepts=["sky"], not_concepts=["water"])
assert sorted(image.concepts) == ["sky", "tree"] and image.not_concepts == ["water"]
pairs = [[("sea", True), ("tree", False)], [("animal", True), ("fruit", False)]]
app.inputs.bulk_merge_concepts(["red", "blue"], pairs)
assert ids(search(concept="animal")) == ["blue"]
app.inputs.delete_concepts("red", concepts=["sea", "sky"])
app.inputs.bulk_delete_concepts(["red", "blue"], [["tree", "water"], ["animal", "fruit"]])
assert app.inputs.get("red").concepts is None
app.inputs.merge_concepts("red", ["only"], [], overwrite=True)
assert app.inputs.get("red").concepts == ["only"]
assert app.inputs.merge_metadata("red", {"key1": "value1"}).metadata == {"key1": "value1"}
changed = app.inputs.update(ClImage(image_id="red", metadata={"key2": "value2"}))
assert changed.metadata == {"key1": "value1", "key2": "value2"}

info = FeedbackInfo(end_user_id="u", session_id="s", event_type="search_click", search_id="q")
assert (
    app.inputs.send_search_feedback(input_id="red", feedback_info=info)["status"]["code"] == 10000
)
