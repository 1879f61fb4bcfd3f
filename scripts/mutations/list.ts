import { CAMPAIGNS } from './campaigns.ts';
import { DATA_SYNC } from './data-sync.ts';
import { DESTINATION } from './destination.ts';
import { DATA_SYNC_OF_EMULATOR } from './emulator/data-sync.ts';
import { DATA_SYNC_READERS_OF_EMULATOR } from './emulator/data-sync-readers.ts';
import { IMPORT_CONTENTS_OF_EMULATOR } from './emulator/import-contents.ts';
import { IMPORT_FILES_OF_EMULATOR } from './emulator/import-files.ts';
import { IMPORT_REQUESTS_OF_EMULATOR } from './emulator/import-requests.ts';
import { IMPORT_ROWS_OF_EMULATOR } from './emulator/import-rows.ts';
import { REQUESTS_OF_EMULATOR } from './emulator/requests.ts';
import type { Mutation } from './mutation.ts';
import { REPLACE_AT_ONCE } from './replace-at-once.ts';
import { SHARED } from './shared.ts';
import { SOURCE } from './source.ts';

/** All mistakes; `scripts/mutations.ts` makes them one after the other in a copy of the repository. */
export const MUTATIONS: readonly Mutation[] = [
  ...SOURCE,
  ...DATA_SYNC,
  ...SHARED,
  ...DESTINATION,
  ...REPLACE_AT_ONCE,
  ...REQUESTS_OF_EMULATOR,
  ...DATA_SYNC_OF_EMULATOR,
  ...DATA_SYNC_READERS_OF_EMULATOR,
  ...IMPORT_REQUESTS_OF_EMULATOR,
  ...IMPORT_CONTENTS_OF_EMULATOR,
  ...IMPORT_FILES_OF_EMULATOR,
  ...IMPORT_ROWS_OF_EMULATOR,
  ...CAMPAIGNS,
];
