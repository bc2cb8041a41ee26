from clarifai.rest import ClarifaiApp, Geo, GeoBox, GeoLimit, GeoPoint

app = ClarifaiApp(api_key="YOUR_API_KEY")
app.inputs.delete_all()
here = Geo(geo_point=GeoPoint(116.2317, 39.5427))
near = Geo(geo_point=GeoPoint(116.2917, 39.5427))
for name, place in (("red", here), ("green", near), ("blue", None)):
    app.inputs.create_image_from_url(
        url=f"https://samples.clarifai.com/{name}.jpg", image_id=name, geo=place
    )

found = app.inputs.get("red").geo.geo_point
assert (round(found.longitude, 4), round(found.latitude, 4)) == (116.2317, 39.5427)


def ids(found):
    return [one.input_id for one in found]


geo_p = GeoPoint(116.2317, 39.5427)
search = app.inputs.search_by_geo
assert ids(search(geo_point=geo_p, geo_limit=GeoLimit(limit_type="kilometer", limit_range=1))) == [
    "red"
]
assert ids(search(geo_p)) == ["red", "green"]
assert ids(search(geo_p, GeoLimit("mile", 3))) == ["red"]
assert ids(search(geo_p, GeoLimit("degree", 1))) == ["red", "green"]
assert ids(search(geo_p, GeoLimit("radian", 0.0001))) == ["red"]
box = GeoBox(point1=GeoPoint(116.28, 39.6), point2=GeoPoint(116.3, 39.5))
assert ids(search(geo_box=box)) == ["green"]
