import { type SourceFile, withoutComments } from './source-file.ts';

interface Ban {
  /** Start of the paths it holds for. */
  within: string;
  except?: string;
  pattern: RegExp;
  reason: string;
}

const BANS: readonly Ban[] = [
  {
    within: 'src/domain/',
    pattern: /\bDate\.now\b|\bnew Date(?:\(\s*\)|(?!\s*[\w(]))|\bTemporal\.Now\b|\bperformance\./,
    reason: 'time is an argument in domain/',
  },
  {
    within: 'src/domain/',
    pattern: /\bMath\.random\b|\brandom(?:UUID|Bytes|Int)\b|\bgetRandomValues\b/,
    reason: 'chance is an argument in domain/',
  },
  {
    within: 'src/domain/',
    pattern: /\basync\b|\bawait\b|\bPromise\b|\bset(?:Timeout|Interval|Immediate)\b/,
    reason: 'nothing in domain/ waits',
  },
  {
    within: 'src/',
    except: 'src/config/',
    pattern: /\bprocess\.env\b/,
    reason: 'only config/ reads the environment',
  },
];

/** Uses of clock, chance, waiting and environment where they do not belong, with their line. */
export function impuritiesOf(file: SourceFile): string[] {
  const bans = BANS.filter(
    ({ within, except }) =>
      file.path.startsWith(within) && !(except !== undefined && file.path.startsWith(except)),
  );
  return bans.flatMap(({ pattern, reason }) => {
    const found = pattern.exec(withoutComments(file.text));
    return found ? [`${file.path}: ${found[0]}: ${reason}`] : [];
  });
}
