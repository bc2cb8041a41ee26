// The old documentation's calls with the JavaScript client, against the server of API_ENDPOINT.
// Run with the folder of the client's node_modules as its argument; prints what failed.
'use strict';

const assert = require('assert');
const fs = require('fs');
const path = require('path');

const Clarifai = require(path.join(process.argv[2], 'node_modules', 'clarifai'));
const samples = 'https://samples.clarifai.com/';

const app = new Clarifai.App({ apiKey: 'YOUR_API_KEY' });
const base64 = fs.readFileSync('filename_on_local_disk.jpg').toString('base64');

const ids = (answer) => answer.hits.map((hit) => hit.input.id);

async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was not refused');
}

const programs = {
  async adding() {
    const added = await app.inputs.create([
      { url: samples + 'metro-north.jpg' },
      { url: samples + 'wedding.jpg' },
      { base64: base64 },
    ]);
    assert.strictEqual(added.length, 3);
    assert.strictEqual(added[0].imageUrl, samples + 'metro-north.jpg');
    assert.ok(added[2].imageUrl.startsWith(process.env.API_ENDPOINT));
    await app.inputs.create(samples + 'puppy.jpg');
    await app.inputs.create({
      url: samples + 'dog.tiff',
      id: 'dog',
      concepts: [{ id: 'boscoe', value: true }, { id: 'our_wedding', value: false }],
      metadata: { id: 'id001', type: 'plants', size: 100 },
      geo: { longitude: 116.2317, latitude: 39.5427 },
    });
    const list = await app.inputs.list({ page: 1, perPage: 20 });
    assert.strictEqual(list.length, 5);
    const one = await app.inputs.get('dog');
    assert.strictEqual(one.id, 'dog');
    assert.deepStrictEqual(Array.from(one.concepts, (each) => each.id), ['boscoe', 'our_wedding']);
    assert.deepStrictEqual(one.rawData.data.metadata, { id: 'id001', type: 'plants', size: 100 });
    const status = await app.inputs.getStatus();
    assert.strictEqual(status.counts.processed, 5);
    const shown = await fetch(list[2].imageUrl);
    assert.strictEqual(shown.status, 200);
    assert.strictEqual(shown.headers.get('content-type'), 'image/jpeg');
  },

  async concepts() {
    const names = ['red', 'green', 'blue'];
    await app.inputs.create(names.map((id) => ({ url: samples + id + '.jpg', id: id })));
    const found = await app.inputs.search({ concept: { name: 'red' } });
    assert.strictEqual(ids(found)[0], 'red');
    assert.ok(found.hits[0].score > 0.5);
    assert.deepStrictEqual(ids(await app.inputs.search({ concept: { id: 't0000' } })), ids(found));
    assert.deepStrictEqual(ids(await app.inputs.search({ concept: 't0000' })), ids(found));
    const several = await app.inputs.search([
      { concept: { name: 'red' } },
      { concept: { name: 'green', value: false } },
    ]);
    assert.strictEqual(ids(several)[0], 'red');
    assert.ok(!ids(several).includes('green'));
    assert.deepStrictEqual(ids(await app.inputs.search({ concept: { name: 'no such' } })), []);
    const page = await app.inputs.search({ input: { id: 'red' } }, { page: 2, perPage: 2 });
    assert.strictEqual(page.hits.length, 1);
    assert.deepStrictEqual(ids(await app.inputs.search([])), names);
  },

  async byImage() {
    await app.inputs.create(['red', 'green', 'blue'].map((id) => ({ url: samples + id + '.jpg', id })));
    await app.inputs.create({ base64: base64, id: 'local' });
    const best = async (query) => {
      const found = await app.inputs.search(query);
      assert.ok(found.hits[0].score > 0.99 && found.hits[1].score < found.hits[0].score);
      return found.hits[0].input.id;
    };
    assert.strictEqual(await best({ input: { url: samples + 'red.jpg' } }), 'red');
    assert.strictEqual(await best({ input: { base64: base64 } }), 'local');
    assert.strictEqual(await best({ input: { id: 'green' } }), 'green');
    assert.strictEqual(await best({ input: samples + 'blue.jpg' }), 'blue');
    const cropped = { input: { url: samples + 'red.jpg', crop: [0.1, 0.1, 0.9, 0.9] } };
    assert.strictEqual(ids(await app.inputs.search(cropped))[0], 'red');
    const exact = { input: { type: 'input', url: samples + 'blue.jpg' } };
    assert.deepStrictEqual(ids(await app.inputs.search(exact)), ['blue']);
  },

  async filters() {
    const place = { longitude: 116.2317, latitude: 39.5427 };
    await app.inputs.create([
      { url: samples + 'red.jpg', id: 'red', concepts: [{ id: 'cat', value: true }], geo: place },
      { url: samples + 'green.jpg', id: 'green', metadata: { parent: { key: 'value' } } },
    ]);
    const tagged = () => ({ concept: { type: 'input', name: 'cat' } }); // the client changes it
    assert.deepStrictEqual(ids(await app.inputs.search(tagged())), ['red']);
    const metadata = { input: { metadata: { parent: { key: 'value' } } } };
    assert.deepStrictEqual(ids(await app.inputs.search(metadata)), ['green']);
    const near = { input: { geo: { ...place, type: 'withinKilometers', value: 1 } } };
    assert.deepStrictEqual(ids(await app.inputs.search(near)), ['red']);
    const box = [{ latitude: 39, longitude: 116 }, { latitude: 40, longitude: 117 }];
    assert.deepStrictEqual(ids(await app.inputs.search({ input: { geo: box } })), ['red']);
    // As the documentation prints it, with longitude and latitude mixed up.
    const mixed = [
      { latitude: 116.2316, longitude: 39.5426 },
      { latitude: 116.2318, longitude: 39.5428 },
    ];
    assert.deepStrictEqual(ids(await app.inputs.search({ input: { geo: mixed } })), []);
    const all = [{ input: { url: samples + 'red.jpg' } }, tagged(), { concept: { name: 'red' } }];
    assert.deepStrictEqual(ids(await app.inputs.search(all)), ['red']);
  },

  async annotating() {
    await app.inputs.create([
      { url: samples + 'red.jpg', id: 'red' },
      { url: samples + 'green.jpg', id: 'green' },
    ]);
    const changed = await app.inputs.mergeConcepts([
      { id: 'red', concepts: [{ id: 'tree' }, { id: 'water', value: false }] },
      { id: 'green', concepts: [{ id: 'animal', value: true }] },
    ]);
    assert.strictEqual(changed.length, 2);
    const tree = await app.inputs.search({ concept: { type: 'input', name: 'tree' } });
    assert.deepStrictEqual(ids(tree), ['red']);
    await app.inputs.deleteConcepts([{ id: 'red', concepts: [{ id: 'tree' }, { id: 'water' }] }]);
    const red = await app.inputs.get('red');
    assert.strictEqual(red.concepts.length, 0);
    await app.inputs.update({ id: 'red', metadata: { a: 'b' } });
    assert.deepStrictEqual((await app.inputs.get('red')).rawData.data.metadata, { a: 'b' });
    await app.inputs.delete('red');
    await app.inputs.delete(['green']);
    assert.strictEqual((await app.inputs.list()).length, 0);
  },

  async conceptsThemselves() {
    const name = 'c' + Date.now();
    await app.concepts.create([{ id: name, name: 'cute ' + name }, name + 'x']);
    assert.strictEqual((await app.concepts.get(name)).name, 'cute ' + name);
    const found = await app.concepts.search('cute ' + name + '*');
    assert.deepStrictEqual(Array.from(found, (one) => one.id), [name]);
    assert.ok((await app.concepts.search('peo*', 'zh')).length > 0);
    const renamed = await app.concepts.update({ id: name, name: 'uglier' });
    assert.strictEqual(renamed[0].name, 'uglier');
    assert.strictEqual((await app.concepts.list({ page: 1, perPage: 5 })).length, 5);
  },

  async predicting() {
    const url = samples + 'red.jpg';
    const seen = async (model, query, options) => {
      const answer = await app.models.predict(model, query, options);
      return answer.outputs[0].data.concepts.map((one) => one.name);
    };
    const byUrl = await seen(Clarifai.GENERAL_MODEL, url);
    assert.ok(byUrl.includes('red'));
    assert.deepStrictEqual(await seen({ name: 'general-v1.3' }, url), byUrl);
    assert.deepStrictEqual(await seen('aaa03c23b3724a16a56b629203edc62c', [url]), byUrl);
    assert.strictEqual((await seen(Clarifai.GENERAL_MODEL, { base64 }, { maxConcepts: 3 })).length, 3);
    assert.ok((await app.models.list()).length >= 2);
    assert.ok((await app.models.search('general-v1.3')).length >= 1);
    const general = await app.models.initModel(Clarifai.GENERAL_MODEL);
    const info = await general.getOutputInfo();
    assert.ok(info.outputInfo.data.concepts.length > 5);
  },

  async errors() {
    await app.inputs.create({ url: samples + 'red.jpg', id: 'red' });
    const code = async (promise) => (await refused(promise)).response.data.status.code;
    assert.strictEqual(await code(app.inputs.get('none')), 30102);
    assert.strictEqual(await code(app.inputs.create(samples + 'red.jpg')), 10020);
    assert.strictEqual(await code(app.inputs.search({ input: { id: 'none' } })), 30102);
    assert.strictEqual(await code(app.models.predict('none', samples + 'red.jpg')), 21200);
    const mixed = await refused(app.inputs.create([{ base64: 'AAAA' }, { url: samples + 'blue.jpg' }]));
    assert.strictEqual(mixed.status, 207);
    assert.strictEqual(mixed.data.status.code, 10010);
    assert.strictEqual((await app.inputs.list()).length, 2);
  },

  async spellings() {
    const slash = new Clarifai.App({ apiKey: 'k', apiEndpoint: process.env.API_ENDPOINT + '/' });
    assert.strictEqual((await slash.inputs.list()).length, 0);
    const users = new Clarifai.App({ apiKey: 'k', userId: 'me', appId: 'mine' });
    await users.inputs.create({ url: samples + 'red.jpg', id: 'x 1' });
    assert.strictEqual((await users.inputs.get('x 1')).id, 'x 1');
    const secret = new Clarifai.App('id', 'secret');
    assert.strictEqual((await secret.inputs.list()).length, 1);
  },
};

async function main() {
  let failed = 0;
  for (const [name, program] of Object.entries(programs)) {
    try {
      await app.inputs.delete();
      await program();
      console.log('ok ' + name);
    } catch (error) {
      failed += 1;
      const told = error.response ? JSON.stringify(error.response.data) : '';
      console.log('--- ' + name + '\n' + (error.stack || error) + '\n' + told);
    }
  }
  process.exit(failed);
}

main();
