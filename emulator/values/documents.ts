import { badRequest } from '../http/errors.ts';
import { display } from './display.ts';
import { formatBytes } from './format-bytes.ts';
import { formatValue } from './json-format.ts';
import { checkFieldCount, emptyObject, nestingOf, sizeOf, VALUE_LIMITS, type ValueObject } from './values.ts';

/** A document: a user's fields, and the two that Convex adds. @throws HttpError 400 */
export function withSystemFields(fields: ValueObject, id: string, creationTime: number): ValueObject {
  const document = emptyObject();
  document['_id'] = id;
  document['_creationTime'] = creationTime;
  for (const name of Object.keys(fields)) {
    const value = fields[name] ?? null;
    if (name === '_id' && value !== id) {
      const shown = formatValue(value, 'json');
      throw badRequest('InvalidIdError', `Provided document ID "${id}" doesn't match '_id' field ${shown}`);
    }
    if (name === '_creationTime' && value !== creationTime) {
      throw badRequest(
        'InvalidCreationTimeError',
        `Provided creation time ${creationTime} doesn't match '_creationTime' field in ${formatValue(fields, 'json')}`,
      );
    }
    if (name.startsWith('_') && !(name in document)) {
      throw invalid(
        fields,
        `Field '${name}' starts with an underscore, which is only allowed for system fields like '_id'`,
      );
    }
    document[name] = value;
  }
  // Convex's two fields are added one by one and count: a document has 1022 of the user's at most.
  checkFieldCount(Math.min(Object.keys(document).length, VALUE_LIMITS.fields + 1));
  return document;
}

/** @throws 400 `InvalidDocumentError`; its message contains the document, which a client must not pass on. */
export function checkDocumentNesting(document: ValueObject): void {
  const nesting = nestingOf(document);
  if (nesting <= VALUE_LIMITS.documentNesting) return;
  throw invalid(
    document,
    `Document is too nested (nested ${nesting} levels deep > maximum nesting ${VALUE_LIMITS.documentNesting})`,
  );
}

/** The document's size. @throws 400 `ValueTooLargeError` */
export function checkDocumentSize(document: ValueObject, limit: number): number {
  const size = sizeOf(document);
  if (size <= limit) return size;
  throw badRequest(
    'ValueTooLargeError',
    `Value is too large (${formatBytes(size)} > maximum size ${formatBytes(limit)})`,
  );
}

function invalid(document: ValueObject, reason: string) {
  return badRequest('InvalidDocumentError', `Document(value: ${display(document)}) isn't a valid document: ${reason}`);
}
