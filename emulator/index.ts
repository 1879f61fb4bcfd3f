export { type Emulator, type EmulatorOptions, startEmulator } from './emulator.ts';
export { Deployment, type DeploymentOptions, type StoredDocument } from './deployment.ts';
export type { Fault, FaultKind, Faults } from './faults.ts';
export type { Journal, JournalEntry } from './journal.ts';
export type { Format } from './json-format.ts';
export { DEFAULT_LIMITS, type Limits } from './limits.ts';
export type { SchemaJson, ValidatorJson } from './schema.ts';
export type { Transaction } from './transaction.ts';
export type { Value, ValueObject } from './values.ts';
