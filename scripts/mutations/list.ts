/**
 * Mistakes that somebody could make, each as a change of a few characters, and the test that has to notice it. `scripts/mutations.ts` makes
 * them one after the other in a copy of the repository.
 */

export interface Mutation {
  /** What the changed program does wrong. */
  name: string;
  file: string;
  /** Stands in the file exactly once. */
  find: string;
  replace: string;
  /** The test file that has to fail. */
  test: string;
  /** Part of the name of the tests to run, where not all of the file are needed. */
  only?: string;
}

const SOURCE: Mutation[] = [
  {
    name: 'a state of the change log runs ahead of its records',
    file: 'source-convex/streaming-export/change-log.ts',
    find: 'stream.advanceTo(inLog(maxDigits(stream.cursor, page.cursor)))',
    replace: 'stream.advanceTo(inLog(String(BigInt(maxDigits(stream.cursor, page.cursor)) + 50_000_000n)))',
    test: 'test/source-convex/crash.test.ts',
  },
  {
    name: 'the log is read on from the last _ts instead of the cursor of the page',
    file: 'source-convex/streaming-export/change-log.ts',
    find: '  endPage(page: DeltaPage, cursor: string): StreamPosition[] {\n',
    replace: '  endPage(page: DeltaPage, cursor: string): StreamPosition[] {\n    page.cursor = this.#newest;\n',
    test: 'test/source-convex/walk.test.ts',
  },
  {
    name: 'the pages of the log after the first are passed over',
    file: 'source-convex/streaming-export/change-log.ts',
    find: '(documents) => log.event(documents));',
    replace:
      "(documents) =>\n      cursor === walk.cursor ? log.event(documents) : { kind: 'phase' as const, name: '', howFar: () => '' },\n    );",
    test: 'test/source-convex/crash.test.ts',
  },
  {
    name: 'what was committed at the very position is read once more',
    file: 'source-convex/streaming-export/change-log.ts',
    find: 'compareDigits(ts, stream.cursor) <= 0 ? undefined',
    replace: 'compareDigits(ts, stream.cursor) < 0 ? undefined',
    test: 'test/source-convex/walk.test.ts',
  },
  {
    name: 'the walk over the log has no end while the deployment writes',
    file: 'source-convex/streaming-export/change-log.ts',
    find: '!page.hasMore || compareDigits(page.cursor, walk.head) >= 0',
    replace: '!page.hasMore',
    test: 'test/hostile/endless.test.ts',
  },
  {
    name: 'an empty page of a snapshot is taken for its end',
    file: 'source-convex/streaming-export/snapshot.ts',
    find: '    const positions = tables.endPage(page.cursor);',
    replace: '    if (page.documents === 0) page.cursor = null;\n    const positions = tables.endPage(page.cursor);',
    test: 'test/source-convex/crash.test.ts',
  },
  {
    name: 'a short page of a snapshot is taken for its last',
    file: 'source-convex/streaming-export/snapshot.ts',
    find: '    const positions = tables.endPage(page.cursor);',
    replace: '    if (page.documents < 4) page.cursor = null;\n    const positions = tables.endPage(page.cursor);',
    test: 'test/source-convex/crash.test.ts',
  },
  {
    name: 'a table in the middle of its snapshot counts as finished',
    file: 'source-convex/streaming-export/snapshot.ts',
    find: 'this.#current?.advanceTo(inSnapshot(snapshot, cursor))',
    replace: 'this.#current?.advanceTo(inLog(snapshot))',
    test: 'test/source-convex/crash.test.ts',
  },
  {
    name: 'a snapshot is gone on with at another time than it was begun',
    file: 'source-convex/streaming-export/plan.ts',
    find: 'alone.push({ snapshot: plan.snapshot,',
    replace: 'alone.push({ snapshot: head,',
    test: 'test/source-convex/crash.test.ts',
  },
  {
    name: 'the time of a snapshot is not promised before its first record',
    file: 'source-convex/streaming-export/read-tables.ts',
    find: "    yield { kind: 'checkpoint', all: true };\n",
    replace: '',
    test: 'test/source-convex/crash.test.ts',
  },
  {
    name: 'an expired position is passed over in silence',
    file: 'source-convex/streaming-export/read-tables.ts',
    find: '    if (resync) {',
    replace: '    if (!resync) {',
    test: 'test/source-convex/expired.test.ts',
  },
  {
    name: 'documents of components go to the table of the same name',
    file: 'source-convex/streaming-export/stream-router.ts',
    find: 'this.#found = this.#streams.get(tableKey(component, table));',
    replace: "this.#found = this.#streams.get(tableKey(component, table)) ?? this.#streams.get(tableKey('', table));",
    test: 'test/source-convex/walk.test.ts',
  },
  {
    name: 'a deletion is written as an update',
    file: 'source-convex/output/record-encoder.ts',
    find: "deleted ? 'deleted' : 'changed'",
    replace: "'changed'",
    test: 'test/source-convex/crash.test.ts',
  },
  {
    name: 'S1: a state of an unknown shape is taken for none',
    file: 'shared/airbyte/state-shapes.ts',
    find: 'if (state.size > 0 && !this.#protocol(state, depth) && !this.#byName(state, depth)) throw unknownShape(state);',
    replace: 'if (state.size > 0 && !this.#protocol(state, depth)) this.#byName(state, depth);',
    test: 'test/source-convex/saved-states.test.ts',
    only: 'S1',
  },
  {
    name: 'S4: a backend whose change log leaves components out is read as a current one',
    file: 'shared/convex/streaming-export.ts',
    find: "body.length === 0 ? 'absent' :",
    replace: "body.length === 0 ? 'present' :",
    test: 'test/source-convex/components.test.ts',
  },
  {
    name: 'S8: a full refresh goes on with what another sync has read',
    file: 'source-convex/sync-id.ts',
    find: 'current !== undefined && saved === current',
    replace: 'current !== undefined && saved !== undefined',
    test: 'test/source-convex/full-refresh.test.ts',
    only: 'S8',
  },
  {
    name: 'a sync in which a stream failed ends with exit code 0',
    file: 'source-convex/read.ts',
    find: 'return failed.length === 0;',
    replace: 'return true;',
    test: 'test/source-convex/failures.test.ts',
  },
];

const SHARED: Mutation[] = [
  {
    name: 'a position is parsed as a double',
    file: 'shared/json/integers.ts',
    find: 'return isDigits(text) ? text : undefined;',
    replace: 'return isDigits(text) ? String(BigInt(Number(text))) : undefined;',
    test: 'test/source-convex/state.test.ts',
  },
  {
    name: 'after a page broke off, its documents are written once more',
    file: 'shared/convex/pages.ts',
    find: 'if (known > 0) batch.drop(known);',
    replace: '',
    test: 'test/shared/convex/pages.test.ts',
    only: 'at every byte',
  },
  {
    name: 'after a page broke off, one document too many is skipped',
    file: 'shared/convex/pages.ts',
    find: 'if (known > 0) batch.drop(known);',
    replace: 'if (known > 0) batch.drop(Math.min(batch.length, known + 1));',
    test: 'test/shared/convex/pages.test.ts',
  },
  {
    name: 'half a page is taken for a whole one',
    file: 'shared/json/elements.ts',
    find: 'if (this.#expect !== Expect.Nothing || this.#utf8.incomplete) {',
    replace: 'if (this.#utf8.incomplete) {',
    test: 'test/shared/json/elements.test.ts',
  },
  {
    name: 'a connection that has died is waited for for ever',
    file: 'shared/convex/idle.ts',
    find: "if (waiting) stream.destroy(Object.assign(new Error('no bytes for too long'), { code: 'ETIMEDOUT' }));\n    else timer.refresh();",
    replace: 'timer.refresh();',
    test: 'test/shared/convex/client.test.ts',
  },
  {
    name: 'an overloaded deployment is not asked again',
    file: 'shared/convex/errors.ts',
    find: 'status === 429 || status >= 500',
    replace: 'status === 429 || status === 500',
    test: 'test/shared/convex/errors.test.ts',
  },
  {
    name: 'the login page of a network passes for a durable record',
    file: 'shared/convex/streaming-import.ts',
    find: "if (text !== '' && text !== 'null')",
    replace: "if (text === 'no')",
    test: 'test/hostile/import-answers.test.ts',
    only: 'web page',
  },
  {
    name: 'the last line is dropped if no newline ends it',
    file: 'shared/airbyte/lines.ts',
    find: 'if (carried > 0) yield [',
    replace: 'if (carried < 0) yield [',
    test: 'test/shared/airbyte/lines.test.ts',
  },
  {
    name: 'half a record at the end of the input is passed over',
    file: 'shared/airbyte/inbound.ts',
    find: '    if (!line.terminated && (what !== undefined || buffer[at] === OPEN_BRACE))',
    replace:
      '    if (!line.terminated) return Kind.Noise;\n    if (!line.terminated && (what !== undefined || buffer[at] === OPEN_BRACE))',
    test: 'test/hostile/stdin.test.ts',
    only: 'line',
  },
  {
    name: 'the deploy key is told',
    file: 'shared/core/secrets.ts',
    find: 'masked = masked.replaceAll(form, MASK);',
    replace: 'masked = masked.replace(form, MASK);',
    test: 'test/shared/core/secrets.test.ts',
  },
];

const DESTINATION: Mutation[] = [
  {
    name: 'a state comes back before its records are durable',
    file: 'destination-convex/ledger.ts',
    find: 'if (entry.position > this.#durable) break;',
    replace: '',
    test: 'test/destination-convex/ledger.test.ts',
  },
  {
    name: 'what is still on its way counts as durable',
    file: 'destination-convex/batch-sender.ts',
    find: 'return this.#inFlight === undefined && this.#filling.empty && this.#failure === undefined;',
    replace: 'return this.#filling.empty && this.#failure === undefined;',
    test: 'test/destination-convex/batch-sender.test.ts',
  },
  {
    name: 'what waits in the next batch counts as durable with this one',
    file: 'destination-convex/session.ts',
    find: 'this.#sender.batch.empty ? this.#ledger.received : lastRecord',
    replace: 'this.#ledger.received',
    test: 'test/destination-convex/kill.test.ts',
  },
  {
    name: 'states come back whatever the batch sender is doing',
    file: 'destination-convex/session.ts',
    find: 'this.#ledger.durable(this.#sender.idle ? this.#ledger.received : 0);',
    replace: 'this.#ledger.durable(this.#ledger.received);',
    test: 'test/destination-convex/kill.test.ts',
  },
  {
    name: 'the last batch is not sent',
    file: 'destination-convex/session.ts',
    find: "await this.#progress.waitFor('convex', this.#sender.finish());",
    replace: '',
    test: 'test/destination-convex/modes.test.ts',
  },
  {
    name: 'a table is emptied with every batch',
    file: 'destination-convex/tables.ts',
    find: "stream.truncation !== 'none' && !this.#cleared.has(stream)",
    replace: "stream.truncation !== 'none'",
    test: 'test/destination-convex/modes.test.ts',
  },
  {
    name: 'D1: the marker of a generation is not asked for',
    file: 'destination-convex/tables.ts',
    find: 'if (generation === undefined) return true;',
    replace: 'if (generation === undefined || generation.id > 0) return true;',
    test: 'test/destination-convex/replaced.test.ts',
    only: 'another stream is incomplete',
  },
  {
    name: 'D1: the marker is set before the table is emptied',
    file: 'destination-convex/tables.ts',
    find: '    this.#log.info(`Emptying ${listed(names)}.`);',
    replace:
      '    for (const stream of due) this.#cleared.add(stream);\n    await this.mark(due);\n    this.#log.info(`Emptying ${listed(names)}.`);',
    test: 'test/destination-convex/replaced.test.ts',
    only: 'killed before the table is emptied',
  },
  {
    name: 'D1: states come back before the generation is remembered',
    file: 'destination-convex/tables.ts',
    find: '    await this.#api.addPrimaryKeyIndexes(new Map(indexes));\n    await this.#until(`Convex is still building the index of ${listed(names)}`, () => this.#api.indexesReady(names));\n',
    replace: '',
    test: 'test/destination-convex/replaced.test.ts',
    only: 'another stream is incomplete',
  },
  {
    name: 'D1: states of an overwrite without a generation come back early',
    file: 'destination-convex/session.ts',
    find: 'this.#unidentified = replaced.filter(({ generation }) => generation === undefined);',
    replace:
      'this.#unidentified = replaced.filter(({ generation }) => generation === undefined);\n    replaced.splice(0, replaced.length, ...replaced.filter(({ generation }) => generation !== undefined));',
    test: 'test/destination-convex/replaced.test.ts',
    only: 'another stream is incomplete',
  },
  {
    name: 'D1: a marker of a higher generation is taken for that of an earlier attempt',
    file: 'destination-convex/generation-marker.ts',
    find: 'marker.generation.id !== wanted.id',
    replace: 'marker.generation.id < wanted.id',
    test: 'test/destination-convex/replaced.test.ts',
    only: 'made anew',
  },
  {
    name: 'D1: a state from before the first record waits for it',
    file: 'destination-convex/session.ts',
    find: 'return this.#giveBackAll().then(() => this.#intake.take(stream, buffer, dataStart, dataEnd));',
    replace: 'return this.#intake.take(stream, buffer, dataStart, dataEnd);',
    test: 'test/destination-convex/replaced.test.ts',
    only: 'from before the first record',
  },
  {
    name: 'D1: npm run sync saves the states of a full refresh before its end',
    file: 'pipeline/run.ts',
    find: 'if (committed && !this.#saveAtEnd)',
    replace: 'if (committed)',
    test: 'test/pipeline/sync.test.ts',
    only: 'D1',
  },
  {
    name: 'records are sent before the index of their table is built',
    file: 'destination-convex/tables.ts',
    find: '    await this.#waitFor(unready);',
    replace: '',
    test: 'test/destination-convex/tables.test.ts',
  },
  {
    name: 'the deletion of a row that is not there becomes a row',
    file: 'destination-convex/request-body.ts',
    find: 'if (deletion !== undefined && deletion.uninsertable === undefined) {\n      this.#write(bytes.message);',
    replace: 'if (deletion !== undefined && deletion.markerStart < 0) {\n      this.#write(bytes.message);',
    test: 'test/destination-convex/tombstones.test.ts',
  },
  {
    name: 'deduplicated records are appended when they are sent again',
    file: 'destination-convex/request-body.ts',
    find: "const primaryKey = key === undefined ? '' :",
    replace: "const primaryKey = key === undefined || key.fields.length > 0 ? '' :",
    test: 'test/destination-convex/retries.test.ts',
  },
  {
    name: 'a batch grows beyond what a transaction may hold',
    file: 'destination-convex/request-body.ts',
    find: 'return bytes <= this.limits.bytes && this.#messages + messagesOf(deletion) <= this.limits.messages;',
    replace: 'return true;',
    test: 'test/destination-convex/request-body.test.ts',
  },
  {
    name: 'the primary key is looked for under the name that it has in the source',
    file: 'destination-convex/keys.ts',
    find: 'stored: storedPath(source, stream.json_schema, known, refuse),',
    replace: 'stored: storedPath(source, stream.json_schema, known, refuse) && [...source],',
    test: 'test/destination-convex/modes.test.ts',
  },
  {
    name: 'D2: fields that get one name are only looked for in the record itself',
    file: 'destination-convex/merged-fields.ts',
    find: "if (typeof inner === 'object' && inner !== null) waiting.push",
    replace: 'if (inner === record) waiting.push',
    test: 'test/destination-convex/fields.test.ts',
    only: 'D2',
  },
  {
    name: 'D2: fields that get one name are not looked for',
    file: 'destination-convex/intake.ts',
    find: 'if (merged !== undefined) return',
    replace: 'if (merged !== undefined && merged.fields.length > 2) return',
    test: 'test/destination-convex/fields.test.ts',
    only: 'D2',
  },
  {
    name: 'D2: a record is counted before the deployment has said how its fields are spelled',
    file: 'destination-convex/intake.ts',
    find: 'return watch.spell((part) => this.spellingOf(part)).then(() => this.#takeSpelled(index, buffer, start, end));',
    replace:
      'this.#ledger.record(index);\n    return watch.spell((part) => this.spellingOf(part)).then(() => this.#takeSpelled(index, buffer, start, end));',
    test: 'test/destination-convex/intake.test.ts',
  },
  {
    name: 'D3: numbers inside a key that is an object or a list are not looked at',
    file: 'destination-convex/key-values.ts',
    find: 'first === OPEN_BRACE || first === OPEN_BRACKET',
    replace: 'first === OPEN_BRACE',
    test: 'test/destination-convex/key-values.test.ts',
    only: 'lists of integers',
  },
  {
    name: 'D3: fractions of a key that a float64 rounds are accepted',
    file: 'shared/json/float64.ts',
    find: '  return compareNumbers(text, canonical) === 0;',
    replace: '  return !Number.isInteger(stored) || compareNumbers(text, canonical) === 0;',
    test: 'test/destination-convex/key-values.test.ts',
    only: 'D3',
  },
  {
    name: 'the fields of a key are passed over once they have been seen',
    file: 'destination-convex/key-guard.ts',
    find: 'if (learnable && !matters) indexed.ignore();',
    replace: 'if (learnable) indexed.ignore();',
    test: 'test/destination-convex/record.test.ts',
  },
  {
    name: 'the halves of a refused batch are sent in the wrong order',
    file: 'destination-convex/importer.ts',
    find: 'const first = await this.#post(lane.body(from, middle), lane, from, middle, PATIENCE.part);',
    replace:
      'const early = await this.#post(lane.body(middle, to), lane, middle, to, PATIENCE.part);\n    if (early !== undefined) await this.#divide(lane, middle, to, early);\n    const first = await this.#post(lane.body(from, middle), lane, from, middle, PATIENCE.part);',
    test: 'test/destination-convex/rejected.test.ts',
  },
  {
    name: 'D9: records are refused because the server fails on everything',
    file: 'destination-convex/importer.ts',
    find: "if ((await api.nameOf('any')) === undefined) throw transient(refusal);",
    replace: '',
    test: 'test/destination-convex/isolation.test.ts',
  },
  {
    name: 'D9: the half of a refused batch that holds the record at fault is sent whole first',
    file: 'destination-convex/importer.ts',
    find: 'to - middle > 1 && refusal.status !== 413',
    replace: 'to - middle > 1 && refusal.status === 413',
    test: 'test/destination-convex/isolation.test.ts',
  },
  {
    name: 'a refused record is passed over, and the sync succeeds',
    file: 'destination-convex/rejections.ts',
    find: 'this.failing = failing;',
    replace: 'this.failing = failing && false;',
    test: 'test/destination-convex/rejected.test.ts',
  },
  {
    name: 'a state comes back although its stream is only half replaced',
    file: 'destination-convex/ledger.ts',
    find: 'if (!this.#covers(entry, (stream) => this.#holds(stream, entry))) return true;',
    replace: 'return true;',
    test: 'test/destination-convex/ledger.test.ts',
  },
  {
    name: 'a state is decoded and encoded again on its way back',
    file: 'destination-convex/state.ts',
    find: 'return Buffer.concat([line.subarray(0, brace), Buffer.from(member), line.subarray(brace)]);',
    replace:
      'return Buffer.from(JSON.stringify(JSON.parse(Buffer.concat([line.subarray(0, brace), Buffer.from(member), line.subarray(brace)]).toString())));',
    test: 'test/destination-convex/states.test.ts',
  },
];

/** Mistakes that only show when processes are killed: the campaigns have to notice them. */
const CAMPAIGNS: Mutation[] = [
  {
    name: 'the source promises a page before it has read it (campaign)',
    file: 'source-convex/streaming-export/change-log.ts',
    find: 'stream.advanceTo(inLog(maxDigits(stream.cursor, page.cursor)))',
    replace: 'stream.advanceTo(inLog(String(BigInt(maxDigits(stream.cursor, page.cursor)) + 20_000_000n)))',
    test: 'test/chaos/chaos.test.ts',
    only: 'append_dedup',
  },
  {
    name: 'the destination gives states back while their batch is on its way (campaign)',
    file: 'destination-convex/session.ts',
    find: 'this.#ledger.durable(this.#sender.idle ? this.#ledger.received : 0);',
    replace: 'this.#ledger.durable(this.#ledger.received);',
    test: 'test/chaos/chaos.test.ts',
    only: 'append_dedup',
  },
  {
    name: 'a page that breaks off loses a document (campaign)',
    file: 'shared/convex/pages.ts',
    find: 'if (known > 0) batch.drop(known);',
    replace: 'if (known > 0) batch.drop(Math.min(batch.length, known + 1));',
    test: 'test/chaos/chaos.test.ts',
    only: 'kills with append:',
  },
];

export const MUTATIONS: readonly Mutation[] = [...SOURCE, ...SHARED, ...DESTINATION, ...CAMPAIGNS];
