import type { Log } from '../core/log.ts';
import type {
  AirbyteCatalog,
  ConfiguredAirbyteStream,
  ConnectionStatus,
  ConnectorSpecification,
} from './protocol.generated.ts';
import type { Secrets } from '../core/secrets.ts';
import type { StreamStates } from '../core/stream-descriptor.ts';
import type { ProtocolWriter } from './writer.ts';

/** What each verb uses to write messages, to log and to mask secrets. */
export interface Context {
  readonly writer: ProtocolWriter;
  readonly log: Log;
  readonly secrets: Secrets;
}

/**
 * A connector: its specification and its verbs. A verb throws `ConnectorFailure` for a problem that a user
 * can act on. Any other error counts as a defect. Verbs are imported when they are called, so that `spec`
 * does not load an HTTP client.
 */
export interface Connector<Config> {
  readonly name: string;
  readonly specification: ConnectorSpecification;
  check(config: Config, context: Context): Promise<ConnectionStatus>;
  discover?(config: Config, context: Context): Promise<AirbyteCatalog>;
  /** Resolves to false if a stream failed. The TRACE of its failure has been written then. */
  read?(config: Config, streams: ConfiguredAirbyteStream[], states: StreamStates, context: Context): Promise<boolean>;
  /** Resolves once every record is durable and every STATE was echoed. */
  write?(
    config: Config,
    streams: ConfiguredAirbyteStream[],
    input: AsyncIterable<Buffer>,
    context: Context,
  ): Promise<void>;
}
