import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configure } from '../../pipeline/catalog.ts';
import { blocks, lines } from '../../pipeline/lines.ts';
import { classify } from '../../pipeline/messages.ts';
import { words } from '../../pipeline/options.ts';
import { StateFile } from '../../pipeline/states.ts';
import type { AirbyteStream } from '../../shared/airbyte/protocol.generated.ts';
import { CURSOR, Workshop, state, stateBody } from './setup.ts';

describe('blocks', () => {
  test('however a text is cut into chunks, the same lines come out', async () => {
    const text = fc
      .array(fc.constantFrom('\n', 'a', 'ä', '"', '\r', ' '), { maxLength: 60 })
      .map((parts) => parts.join(''));
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(text, sizes, async (content, cuts) => {
        const bytes = Buffer.from(content);
        async function* chunks(): AsyncGenerator<Buffer> {
          for (let at = 0, cut = 0; at < bytes.length; cut++) {
            const end = at + (cuts[cut % cuts.length] ?? 1);
            yield bytes.subarray(at, end);
            at = end;
          }
        }
        const whole: string[] = [];
        let rest = '';
        for await (const block of blocks(chunks())) {
          expect(block.bytes.length).toBeGreaterThan(0);
          if (block.cut) rest = block.bytes.toString();
          else for (const [start, end] of lines(block.bytes)) whole.push(block.bytes.toString('utf8', start, end));
        }
        const expected = content.split('\n');
        expect(rest).toBe(expected.pop());
        expect(whole).toEqual(expected.map((line) => `${line}\n`));
      }),
    );
  });
});

describe('classify', () => {
  test.each<[string, string]>([
    ['{"type":"RECORD","record":{}}', 'RECORD'],
    ['{"type": "RECORD", "record": {}}', 'RECORD'],
    ['{"record":{},"type":"RECORD"}', 'RECORD'],
    // told by its first bytes: whether the rest is JSON is for the destination to find out
    ['{"type":"RECORD","record":{', 'RECORD'],
    ['{"type":"STATE","state":{}}', 'STATE'],
    ['{"state":{"type":"STREAM"},"type":"STATE"}', 'STATE'],
    ['{"type":"STATEMENT"}', 'MESSAGE'],
    ['{"type":"LOG","log":{}}', 'MESSAGE'],
    ['{"record":{"type":"RECORD"},"type":"LOG"}', 'MESSAGE'],
    ['{"type":"LOG","log":{', 'BROKEN'],
    ['{}', 'BROKEN'],
    ['{"type":1}', 'BROKEN'],
    ['plain text', 'TEXT'],
    ['[1]', 'TEXT'],
    ['', 'TEXT'],
  ])('%s is %s', (line, kind) => {
    expect(classify(Buffer.from(`${line}\n`)).kind).toBe(kind);
  });
});

describe('configure', () => {
  const stream = (extra: Partial<AirbyteStream>): AirbyteStream => ({
    name: 'users',
    json_schema: {},
    supported_sync_modes: ['full_refresh', 'incremental'],
    source_defined_primary_key: [['_id']],
    ...extra,
  });

  test.each<[string, Partial<AirbyteStream>, 'append' | 'append_dedup', RegExp]>([
    [
      'no primary key',
      { source_defined_primary_key: [] },
      'append_dedup',
      /users has no primary key: use --mode append/,
    ],
    ['no incremental', { supported_sync_modes: ['full_refresh'] }, 'append', /users cannot be read incrementally/],
  ])('refuses what a stream does not allow: %s', (_name, extra, mode, message) => {
    expect(() => configure({ streams: [stream(extra)] }, { mode })).toThrow(message);
    expect(configure({ streams: [stream(extra)] }, { mode: 'overwrite' }).streams).toHaveLength(1);
  });

  test('a source without streams is an error, not a success', () => {
    expect(() => configure({ streams: [] }, { mode: 'append_dedup' })).toThrow('no streams');
  });

  test('a stream named twice is synced once', () => {
    const choice = { mode: 'append', streams: ['users', 'users'] } as const;
    expect(configure({ streams: [stream({})] }, choice).streams).toHaveLength(1);
  });
});

describe('words', () => {
  test.each<[string, string[]]>([
    ['node source.js', ['node', 'source.js']],
    ['  docker run --rm  image ', ['docker', 'run', '--rm', 'image']],
    [`"/Program Files/node" 'a "b"' --x="c d"`, ['/Program Files/node', 'a b', '--x=c d']],
  ])('%s', (command, expected) => {
    expect(words(command)).toEqual(expected);
  });

  test('nothing is no command', () => {
    expect(() => words('  ')).toThrow('name a command');
  });
});

describe('StateFile', () => {
  let work: Workshop;
  beforeEach(() => {
    work = new Workshop();
  });
  afterEach(() => {
    work.remove();
  });

  test.each([
    ['one a line', '{"type":"STREAM","stream":A}\n{"type":"STREAM","stream":B}\n', 2],
    [
      "as Airbyte's settings page shows them",
      '[{"streamDescriptor":{"name":"a"}},{"streamDescriptor":{"name":"b"}}]',
      2,
    ],
    ['inner objects', '[A,B]', 2],
    ['by stream name', '{"a":{},"b":{}}', 1],
  ])('S1: states %s are all kept for the source to read', async (_what, text, count) => {
    const stream = (name: string) =>
      `{"stream_descriptor":{"name":"${name}"},"stream_state":{"n":1763000000000000123}}`;
    const written = text.replace(/\bA\b/, stream('a')).replace(/\bB\b/, stream('b'));
    const file = await StateFile.load(work.write('state.json', written));
    expect(file.size).toBe(count);
    await file.save();
    const saved = work.read('state.json');
    for (const name of ['a', 'b']) expect(saved).toContain(`"${name}"`);
    expect(saved.match(/1763000000000000123/g)?.length ?? 0).toBe(written.match(/1763000000000000123/g)?.length ?? 0);
  });

  test('a file that another program wrote keeps its states byte for byte', async () => {
    const pretty = JSON.stringify(JSON.parse(stateBody('a', '1')), null, 2).replace('1', `${CURSOR}.0`);
    const global = '{"type":"GLOBAL","global":{"stream_states":[]}}';
    const file = await StateFile.load(work.write('state.json', `[ ${pretty},\n${global},{"data":{"b":"]},["}} ]`));
    expect(file.size).toBe(3);
    await file.save();
    expect(work.read('state.json')).toBe(`[\n${pretty},\n${global},\n{"data":{"b":"]},["}}\n]\n`);
  });

  test('a name with and without a namespace, or with a namespace that looks like a part of the name, are streams apart', async () => {
    const file = await StateFile.load(work.path('state.json'));
    for (const line of [state('a', '1'), state('a', '2', 'b'), state('b.a', '3'), state('a', '4')])
      file.put(Buffer.from(line));
    file.forget([{ name: 'a', namespace: 'b' }]);
    await file.save();
    expect(JSON.parse(work.read('state.json'))).toEqual([
      JSON.parse(stateBody('a', '4')),
      JSON.parse(stateBody('b.a', '3')),
    ]);
  });

  test('forgetting any stream forgets what is of no single stream', async () => {
    const file = await StateFile.load(work.write('state.json', '[{"type":"GLOBAL","global":{}},{"data":{"a":1}}]'));
    file.forget([{ name: 'a' }]);
    expect(file.size).toBe(0);
  });

  test('whoever reads the file while it is replaced reads a whole one', async () => {
    const file = await StateFile.load(work.path('state.json'));
    await file.save();
    let saving = true;
    let reads = 0;
    const readers = async (): Promise<void> => {
      while (saving) {
        expect(JSON.parse(readFileSync(work.path('state.json'), 'utf8'))).toBeInstanceOf(Array);
        reads++;
        await new Promise(setImmediate);
      }
    };
    const reading = readers();
    for (let i = 0; i < 100; i++) {
      file.put(Buffer.from(state(`stream${i}`, CURSOR)));
      await file.save();
    }
    saving = false;
    await reading;
    expect(reads).toBeGreaterThan(50);
  });

  test('a file left by a crash in the middle of a replacement does not matter', async () => {
    writeFileSync(work.path('state.json.tmp'), '[{"type":"STR');
    const file = await StateFile.load(work.path('state.json'));
    await file.save();
    expect(work.read('state.json')).toBe('[]\n');
  });
});
