// Generated from spec/destination-convex.json by `npm run types`. Do not edit.

export interface DestinationConfig {
  /** The URL of the Convex deployment to write to: https://<deployment name>.convex.cloud, shown in the Convex dashboard under Settings → URL & Deploy Key. For a self-hosted deployment, the http or https URL of its backend. Not the .convex.site URL of HTTP actions. */
  deployment_url: string;

  /** A deploy key of this deployment, made in the Convex dashboard under Settings → URL & Deploy Key. It needs the permission deployment:backups:import and no other. For a self-hosted deployment, its admin key. */
  access_key: string;

  /** Convex refuses records that it cannot store, such as documents over 1 MiB. "Fail sync" writes all other records of the batch and then stops, naming the stream and the primary key. "Skip and report" leaves the record out, counts it as rejected, names it in the log, and goes on. */
  on_rejected_record?: 'Fail sync' | 'Skip and report';
}
