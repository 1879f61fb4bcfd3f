import { badRequest } from '../http/errors.ts';
import type { Deployment } from '../store/deployment.ts';
import type { TableNames } from '../store/schema-check.ts';
import type { Tablet } from '../store/tablets.ts';
import { Transaction } from '../store/transaction.ts';
import { tableNumberOf } from '../values/ids.ts';
import { formatValue } from '../values/json-format.ts';
import type { ValueObject } from '../values/values.ts';
import { InternalFailure } from './errors.ts';

/** Creation times are milliseconds that a double holds exactly. */
const MAX_CREATION_TIME = 2 ** 53;

/**
 * Writes a batch of rows to a tablet, as one commit (crates/database/src/bootstrap_model/import_facing.rs). Nothing is
 * written where it throws. `tableNames` gives the tables that there will be after the import, by number.
 * @throws HttpError 400 `DuplicateId`, `InvalidId`, `ImportConflict`, `DocumentExists`, `DocumentDeleted`,
 *   `InvalidDocumentError`, `InvalidCreationTimeError`, `SchemaEnforcementError` and the like; InternalFailure
 */
export function insertRows(
  deployment: Deployment,
  tablet: Tablet,
  rows: readonly ValueObject[],
  tableNames: TableNames,
): void {
  const ids = rows.flatMap(({ _id: id }) => (id === undefined ? [] : [formatValue(id, 'convex_encoded_json')]));
  if (new Set(ids).size < ids.length) {
    throw badRequest('DuplicateId', `Objects in table "${tablet.name}" have duplicate _id fields`);
  }
  const tx = new Transaction(deployment);
  try {
    for (const row of rows) {
      checkSystemFields(tablet, row);
      tx.importInto(tablet, row, tableNames);
    }
  } catch (error) {
    tx.rollback();
    throw error;
  }
  tx.commit();
}

function checkSystemFields(tablet: Tablet, row: ValueObject): void {
  const { _id: id, _creationTime: creationTime } = row;
  if (typeof id === 'string') {
    const number = tableNumberOf(id);
    if (number === undefined) throw badRequest('InvalidId', `invalid _id '${id}'`);
    if (number !== tablet.number) {
      throw badRequest(
        'ImportConflict',
        `_id ${id} cannot be imported into '${tablet.name}' because it came from a different deployment and conflict ` +
          'with preexisting tables in this deployment. Try deleting preexisting tables or importing into an empty\n' +
          '                        deployment.',
      );
    }
  }
  if (typeof creationTime !== 'number') return;
  if (!Number.isFinite(creationTime) || creationTime < 0 || Object.is(creationTime, -0)) {
    throw new InternalFailure('invalid creation time');
  }
  if (creationTime === 0 || creationTime >= MAX_CREATION_TIME) {
    throw badRequest(
      'InvalidDocumentError',
      `Document(value: ${formatValue(row, 'json')}) isn't a valid document: The '_creationTime' field should be a ` +
        `timestamp in milliseconds, is ${creationTime}`,
    );
  }
}
