// Generated from spec/airbyte-protocol.json by `npm run types`. Do not edit.

/** A line that a connector writes to stdout. */
export type OutboundMessage =
  | RecordMessage
  | StateMessage
  | LogMessage
  | TraceMessage
  | ControlMessage
  | ConnectionStatusMessage
  | SpecMessage
  | CatalogMessage
  | DestinationCatalogMessage;

export type ChangeReason =
  | 'SOURCE_RECORD_SIZE_LIMITATION'
  | 'DESTINATION_RECORD_SIZE_LIMITATION'
  | 'PLATFORM_RECORD_SIZE_LIMITATION'
  | 'SOURCE_FIELD_SIZE_LIMITATION'
  | 'DESTINATION_FIELD_SIZE_LIMITATION'
  | 'PLATFORM_FIELD_SIZE_LIMITATION'
  | 'SOURCE_SERIALIZATION_ERROR'
  | 'DESTINATION_SERIALIZATION_ERROR'
  | 'PLATFORM_SERIALIZATION_ERROR'
  | 'SOURCE_RETRIEVAL_ERROR'
  | 'DESTINATION_TYPECAST_ERROR';

/** A checkpoint. LEGACY states are read (InboundState) but not written: the protocol forbids them to new connectors. */
export type AirbyteState = StreamState | GlobalState;

export type LogLevel = 'FATAL' | 'ERROR' | 'WARN' | 'INFO' | 'DEBUG' | 'TRACE';

/** emitted_at is required: the platform ignores a trace without it. */
export type AirbyteTrace = ErrorTrace | EstimateTrace | StreamStatusTrace | AnalyticsTrace;

/** config_error: the user has to change something, the platform does not retry. transient_error: trying again later may help. system_error: a bug, or anything else. */
export type FailureType = 'config_error' | 'transient_error' | 'system_error';

export type StreamStatus = 'STARTED' | 'RUNNING' | 'COMPLETE' | 'INCOMPLETE';

export type DestinationSyncMode = 'append' | 'overwrite' | 'append_dedup' | 'update' | 'soft_delete';

export type SyncMode = 'full_refresh' | 'incremental';

/** A line of a destination's stdin that it acts upon; lines of other types are passed over. */
export type InboundMessage = InboundRecordMessage | InboundStateMessage | InboundTraceMessage;

/** The content of the file that --state names: a list of states, an empty object for none, or a single state. */
export type InboundStateFile = InboundState[] | InboundState;

export interface RecordMessage {
  type: 'RECORD';
  record: AirbyteRecord;
}

export interface AirbyteRecord {
  /** The name of the configured stream. */
  stream: string;

  /** The configured namespace; absent if the stream has none. */
  namespace?: string;

  /** The record. Never empty: the platform drops empty records without a word. */
  data: {
    [k: string]: unknown;
  };

  /** When the record was read, in milliseconds since 1970. */
  emitted_at: number;
  meta?: RecordMeta;
  file_reference?: FileReference;
}

export interface RecordMeta {
  /** What was done to the record's fields on their way. */
  changes?: RecordChange[];
}

export interface RecordChange {
  field: string;
  change: 'NULLED' | 'TRUNCATED';
  reason: ChangeReason;
}

/** File-based streams only: where the file that belongs to the record was staged. */
export interface FileReference {
  staging_file_url: string;
  source_file_relative_path: string;

  /** In bytes. */
  file_size_bytes: number;
}

export interface StateMessage {
  type: 'STATE';
  state: AirbyteState;
}

export interface StreamState {
  type: 'STREAM';
  stream: StreamStateEntry;
  sourceStats?: StateStats;
  destinationStats?: StateStats;
}

export interface StreamStateEntry {
  stream_descriptor: StreamDescriptor;

  /** The connector's own; integers above 2^53 are written as strings so that every runner keeps them. */
  stream_state?: {
    [k: string]: unknown;
  };
}

/** Identifies a stream: the name, and the namespace unless the stream has none. */
export interface StreamDescriptor {
  name: string;
  namespace?: string;
}

/** Counts of records since the previous state of the same stream. */
export interface StateStats {
  /** sourceStats: emitted; destinationStats: received and durable. */
  recordCount?: number;

  /** Records refused, not part of recordCount. */
  rejectedRecordCount?: number;
}

export interface GlobalState {
  type: 'GLOBAL';
  global: {
    /** State that belongs to no single stream. */
    shared_state?: {
      [k: string]: unknown;
    };
    stream_states: StreamStateEntry[];
  };
  sourceStats?: StateStats;
  destinationStats?: StateStats;
}

export interface LogMessage {
  type: 'LOG';
  log: AirbyteLog;
}

export interface AirbyteLog {
  level: LogLevel;
  message: string;
  stack_trace?: string;
}

export interface TraceMessage {
  type: 'TRACE';
  trace: AirbyteTrace;
}

export interface ErrorTrace {
  type: 'ERROR';

  /** In milliseconds since 1970. */
  emitted_at: number;
  error: TraceError;
}

export interface TraceError {
  /** Shown to the user; cut at 50,000 characters. */
  message: string;

  /** For developers. */
  internal_message?: string;

  /** Cut at 100,000 characters. */
  stack_trace?: string;
  failure_type?: FailureType;
  stream_descriptor?: StreamDescriptor;
}

export interface EstimateTrace {
  type: 'ESTIMATE';

  /** In milliseconds since 1970. */
  emitted_at: number;
  estimate: TraceEstimate;
}

export interface TraceEstimate {
  name: string;
  namespace?: string;

  /** Not to be mixed within one sync. */
  type: 'STREAM' | 'SYNC';

  /** In records. */
  row_estimate?: number;

  /** In bytes. */
  byte_estimate?: number;
}

export interface StreamStatusTrace {
  type: 'STREAM_STATUS';

  /** In milliseconds since 1970. */
  emitted_at: number;
  stream_status: TraceStreamStatus;
}

export interface TraceStreamStatus {
  stream_descriptor: StreamDescriptor;
  status: StreamStatus;

  /** Why the stream is in this status; given with RUNNING. */
  reasons?: StreamStatusReason[];
}

export interface StreamStatusReason {
  type: 'RATE_LIMITED';
  rate_limited?: {
    /** When requests may go on, in milliseconds since 1970. */
    quota_reset?: number;
  };
}

export interface AnalyticsTrace {
  type: 'ANALYTICS';

  /** In milliseconds since 1970. */
  emitted_at: number;
  analytics: TraceAnalytics;
}

export interface TraceAnalytics {
  type: string;
  value?: string;
}

export interface ControlMessage {
  type: 'CONTROL';
  control: AirbyteControl;
}

export interface AirbyteControl {
  type: 'CONNECTOR_CONFIG';

  /** In milliseconds since 1970. */
  emitted_at: number;
  connectorConfig: {
    /** Replaces the stored configuration. */
    config: {
      [k: string]: unknown;
    };
  };
}

export interface ConnectionStatusMessage {
  type: 'CONNECTION_STATUS';
  connectionStatus: ConnectionStatus;
}

export interface ConnectionStatus {
  status: 'SUCCEEDED' | 'FAILED';

  /** For the user: what is wrong and what to do. */
  message?: string;
}

export interface SpecMessage {
  type: 'SPEC';
  spec: ConnectorSpecification;
}

export interface ConnectorSpecification {
  documentationUrl?: string;
  changelogUrl?: string;

  /** JSON Schema (draft-07) of the connector's configuration. */
  connectionSpecification: {
    [k: string]: unknown;
  };

  /** Deprecated, but destinations still say true. */
  supportsIncremental?: boolean;

  /** Destinations only. */
  supported_destination_sync_modes?: DestinationSyncMode[];
  advanced_auth?: AdvancedAuth;

  /** Semantic version; the platform takes major 0 only. */
  protocol_version?: string;
}

/** OAuth only. */
export interface AdvancedAuth {
  auth_flow_type?: 'oauth2.0' | 'oauth1.0';
  predicate_key?: string[];
  predicate_value?: string;
  oauth_config_specification?: {
    [k: string]: unknown;
  };
}

export interface CatalogMessage {
  type: 'CATALOG';
  catalog: AirbyteCatalog;
}

/** What discover found. */
export interface AirbyteCatalog {
  streams: AirbyteStream[];
}

export interface AirbyteStream {
  name: string;
  namespace?: string;

  /** JSON Schema (draft-07) of a record. */
  json_schema: {
    [k: string]: unknown;
  };
  supported_sync_modes: SyncMode[];

  /** The source keeps the cursor itself. A resumable stream has to say so explicitly. */
  source_defined_cursor?: boolean;

  /** Path to the cursor's field. */
  default_cursor_field?: string[];

  /** Paths to the fields that form the primary key. */
  source_defined_primary_key?: string[][];

  /** An interrupted full refresh can go on from its last state. */
  is_resumable?: boolean;
  is_file_based?: boolean;
}

export interface DestinationCatalogMessage {
  type: 'DESTINATION_CATALOG';
  destination_catalog: DestinationCatalog;
}

/** Data activation destinations only: what their discover found. */
export interface DestinationCatalog {
  operations: DestinationOperation[];
}

export interface DestinationOperation {
  object_name: string;
  sync_mode: DestinationSyncMode;

  /** JSON Schema (draft-07) of a record. */
  json_schema: {
    [k: string]: unknown;
  };
  matching_keys?: string[][];
}

/** The content of the file that --catalog names. */
export interface ConfiguredAirbyteCatalog {
  streams: ConfiguredAirbyteStream[];
}

export interface ConfiguredAirbyteStream {
  stream: InboundStream;
  sync_mode: SyncMode;
  destination_sync_mode: DestinationSyncMode;
  cursor_field?: string[] | null;

  /** Paths to the fields that form the primary key. */
  primary_key?: string[][] | null;

  /** Counts the times that the stream was refreshed or cleared. */
  generation_id?: number | null;

  /** Records of older generations are to be removed; 0 keeps all. */
  minimum_generation_id?: number | null;

  /** The platform's number of the sync. */
  sync_id?: number | null;

  /** Data activation: the target object. */
  destination_object_name?: string | null;
  include_files?: boolean | null;
}

/** An AirbyteStream as a runner hands it back. */
export interface InboundStream {
  name: string;
  namespace?: string | null;

  /** JSON Schema (draft-07) of a record. */
  json_schema: {
    [k: string]: unknown;
  };
  supported_sync_modes?: SyncMode[] | null;
  source_defined_cursor?: boolean | null;
  default_cursor_field?: string[] | null;
  source_defined_primary_key?: string[][] | null;
  is_resumable?: boolean | null;
  is_file_based?: boolean | null;
}

export interface InboundRecordMessage {
  type: 'RECORD';
  record: InboundRecord;
}

export interface InboundRecord {
  stream: string;
  namespace?: string | null;
  data: {
    [k: string]: unknown;
  };

  /** In milliseconds since 1970; one runner sends seconds, so nothing may be ordered by it. */
  emitted_at?: number | null;
  meta?: {
    changes?: InboundRecordChange[] | null;
  } | null;
}

export interface InboundRecordChange {
  field?: string | null;
  change?: string | null;
  reason?: string | null;
}

export interface InboundStateMessage {
  type: 'STATE';
  state: InboundState;
}

/** A state in any of its shapes. The platform adds an integer id that has to come back with it. */
export interface InboundState {
  /** Absent or null means LEGACY. */
  type?: 'STREAM' | 'GLOBAL' | 'LEGACY' | null;
  stream?: InboundStreamState | null;
  global?: InboundGlobalState | null;

  /** The name under which PyAirbyte writes global. */
  global_?: InboundGlobalState | null;

  /** LEGACY: the connector's own blob. */
  data?: {
    [k: string]: unknown;
  } | null;
  sourceStats?: InboundStateStats | null;
  destinationStats?: InboundStateStats | null;
}

export interface InboundStreamState {
  stream_descriptor: InboundStreamDescriptor;

  /** null clears the stream. */
  stream_state?: {
    [k: string]: unknown;
  } | null;
}

export interface InboundStreamDescriptor {
  name: string;
  namespace?: string | null;
}

export interface InboundGlobalState {
  shared_state?: {
    [k: string]: unknown;
  } | null;
  stream_states?: InboundStreamState[] | null;
}

/** Counts of records since the previous state of the same stream. */
export interface InboundStateStats {
  recordCount?: number | null;
  rejectedRecordCount?: number | null;
}

export interface InboundTraceMessage {
  type: 'TRACE';
  trace: InboundTrace;
}

/** Of the traces a destination reads only STREAM_STATUS. */
export interface InboundTrace {
  type: string;

  /** In milliseconds since 1970. */
  emitted_at?: number | null;
  stream_status?: InboundStreamStatus | null;
}

export interface InboundStreamStatus {
  stream_descriptor: InboundStreamDescriptor;

  /** A StreamStatus, or one that a later protocol adds. */
  status: string;
}
