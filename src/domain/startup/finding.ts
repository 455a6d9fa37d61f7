/** Something about the surroundings that a person should know. An `error` keeps the engine from starting. */
export interface Finding {
  severity: 'error' | 'warning';
  code: FindingCode;
  /** What is so, as one sentence. */
  message: string;
  /** What to do about it. */
  remedy: string;
}

export type FindingCode =
  | 'mongodb_unreachable'
  | 'mongodb_too_old'
  | 'mongodb_version_unknown'
  | 'mongodb_no_transactions'
  | 'clock_off'
  | 'redis_unreachable'
  | 'redis_too_old'
  | 'redis_version_unknown'
  | 'redis_evicts'
  | 'redis_eviction_unknown'
  | 'redis_not_persistent'
  | 'redis_persistence_unknown'
  | 'analytics_settings_changed';

export const error = (code: FindingCode, message: string, remedy: string): Finding => ({
  severity: 'error',
  code,
  message,
  remedy,
});

export const warning = (code: FindingCode, message: string, remedy: string): Finding => ({
  severity: 'warning',
  code,
  message,
  remedy,
});
