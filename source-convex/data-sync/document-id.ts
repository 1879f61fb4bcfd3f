/** The `_id` of a document of a listing. */
import { notConvex } from '../../shared/convex/client.ts';
import { JsonError, Members, stringAt } from '../../shared/json/raw.ts';

const ID = Buffer.from('_id');

export class DocumentId {
  readonly #members = new Members();

  /** Of the document `buffer[start, end)`. Throws `ConvexApiError` where it has none. */
  read(buffer: Buffer, start: number, end: number): string {
    try {
      const members = this.#members.open(buffer, start, end);
      while (members.next()) if (members.keyIs(ID)) return stringAt(buffer, members.valueStart, members.valueEnd);
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
    }
    throw notConvex('a document has no "_id"', 200);
  }
}
