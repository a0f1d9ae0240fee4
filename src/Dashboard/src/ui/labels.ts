import { signal } from '@preact/signals';

/** The two spellings of the page's labels. */
export type LabelSet = 'wired' | 'plain';

/**
 * Every label: its wired spelling (the reference's, exactly, where it has one) and its plain one. A label means one
 * thing; CONTEXT.md has the same table.
 */
export const LABELS = {
  H0M3: 'Overview',
  'Y3R C4LL': 'Your call',
  SW4RM: 'Agents',
  FL0W: 'Messages',
  CH4NG3S: 'Changes',
  ST4TS: 'Statistics',
  SYST3M: 'System',
  S3TT1NGS: 'Settings',
  'M0RE ⋯': 'More',
  'S1GN 0UT': 'Sign out',
  '3NT3R': 'Enter',
  '↻ N0W': 'Try now',
  '▸ N0W': 'Send now',
  '↻ R3TRY': 'Retry',
  '↻ SYNC': 'Push now',
  '◆ APPR0VE': 'Approve',
  DENY: 'Deny',
  '↻ R3BU1LD': 'Rebuild',
  '↻ UPD4TE 4LL': 'Update all',
  '↻ UPD4TE CH0S3N': 'Update chosen',
  DESTR0Y: 'Destroy',
  PURG3: 'Purge',
  '⊕ R3V1V3': 'Revive',
  '✗ CANC3L': 'Cancel question',
  '✗ C4NC3L': 'Cancel reminder',
  '■ C4NC3L TURN': 'Cancel turn',
  '✗ DR0P': 'Drop',
  '0V3RR1D3': 'Override',
  '↩ 0V3RR1D3': 'Answer in its place',
  '↩ 4NSW3R': 'Answer',
  T4LK: 'Send',
  '↩ T4LK': 'Reply',
  '✓ 4CK': 'Done',
  '✓ 4CK 4LL': 'All done',
  '✓ S33N': 'Put aside',
  '▶ ST4RT': 'Start',
  '■ ST0P': 'Stop',
  '↻ R3ST4RT': 'Restart',
  '✗ K1LL': 'Kill',
  '‖ P4US3': 'Pause',
  '▶ R3SUM3': 'Resume',
  '↳ L0GS': 'Logs',
  '± D1FF': 'Diff',
  'R3QU3ST SP4WN': 'Request agent',
  'N0T1FY M3': 'Notify me',
  '‹ B4CK': 'Back',
  '✗ D1SC4RD': 'Discard',
  '⊕ M0D3L': 'Add model',
  '↩ UND0': 'Undo',
  '✓ S4V3': 'Save',
  '▶ L0G 1N': 'Log in',
  '↻ 4G41N': 'Log in again',
  '↩ C0D3': 'Pass code',
  '◉ R4W': 'Raw: on',
  '○ R4W': 'Raw: off',
  CH4NG3: 'Change',
  '0FF': 'Switch off',
  '↺ R3S3T': 'Reset',
  '↻ R34D 4G41N': 'Check again',
  '✎ 3D1T': 'Edit',
  // Headings.
  D0CT0R: 'Findings',
  PR1C3S: 'Prices',
  '4G3NTS': 'Agents with turns',
  'L00S3 3NDS': 'Loose ends',
  L0G1N: 'Login',
  T3RM1N4L: 'Terminal',
  TURNS: 'Turns',
  '1NB0X': 'Inbox',
  F0RG3: 'Forge',
  'F41L3D M3SS4G3S': 'Parked messages',
  C0NTAINERS: 'Containers',
  'K3PT ST4T3': 'Kept state',
  'M3T4 1NPUTS': 'Inputs',
  'M1ND H4S QU3STI0NS': 'Questions',
  'P3NDING APPR0VALS': 'Approvals',
  'QU3U3D R3M1ND3RS': 'Reminders',
  '0PER4T0R 1NB0X': 'Your inbox',
  'MESS4GE FL0W': 'Message flow',
} as const satisfies Record<string, string>;

export type Wired = keyof typeof LABELS;

/** The set that is shown. */
export const labelSet = signal<LabelSet>('wired');

/** A label in the shown set. */
export const label = (wired: Wired): string => (labelSet.value === 'plain' ? LABELS[wired] : wired);
