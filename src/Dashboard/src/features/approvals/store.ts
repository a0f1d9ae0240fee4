import { batch, computed, signal } from '@preact/signals';
import type { Approval, ApprovalBuild, Snapshot } from '../../api/types';
import { RowTable } from '../../stream/row-table';
import { byResolution, DECIDED } from './approval';

/** The builds whose steps the page keeps. */
const BUILDS = 50;

/** Whether steps are later ones of the same build, or of another one, which a restarted host has begun. */
function isLater(one: ApprovalBuild, other: ApprovalBuild): boolean {
  if (one.steps[0]?.started_at !== other.steps[0]?.started_at) return one.steps.length > 0;
  const progress = ({ steps }: ApprovalBuild): number[] => [
    steps.length,
    steps.filter(({ ended_at }) => ended_at != null).length,
    steps.reduce((lines, { log, lines_left_out }) => lines + (log?.length ?? 0) + (lines_left_out ?? 0), 0),
  ];
  const [now, before] = [progress(one), progress(other)];
  const at = now.findIndex((n, i) => n !== before[i]);
  return at >= 0 && (now[at] ?? 0) > (before[at] ?? 0);
}

/** The approvals that wait or are under way, and the newest of the decided ones. */
export class Approvals {
  /** The steps of approved changes, as far as they were shown or have changed since. */
  readonly builds = signal<ReadonlyMap<number, ApprovalBuild>>(new Map());
  /** Counts the snapshots: events of steps may have been missed before each. */
  readonly reads = signal(0);
  readonly #rows = new RowTable<Approval>();
  /** The approvals that wait for the operator or are under way, oldest first. */
  readonly open = computed(() => this.#rows.all.toSorted((a, b) => a.id - b.id));
  /** The newest of the decided ones, the latest first. */
  readonly decided = signal<readonly Approval[]>([]);
  /** How many wait for the operator. */
  readonly waiting = computed(() => this.open.value.filter(({ status }) => status === 'pending').length);

  snapshot({ approvals, approval_history }: Pick<Snapshot, 'approvals' | 'approval_history'>): void {
    this.#rows.replace(approvals);
    this.reads.value++;
    this.decided.value = approval_history.toSorted(byResolution).slice(0, DECIDED);
  }

  /** Takes the steps of an approved change; an answer may be older than an event. */
  built(build: ApprovalBuild): void {
    const before = this.builds.peek().get(build.id);
    if (before !== undefined && !isLater(build, before)) return;
    const builds = new Map(this.builds.peek());
    builds.delete(build.id);
    builds.set(build.id, build);
    for (const id of [...builds.keys()].slice(0, -BUILDS)) builds.delete(id);
    this.builds.value = builds;
  }

  put(approval: Approval): void {
    batch(() => {
      this.#rows.put(approval);
      // One that failed because its agent was destroyed is pending again: the agent was revived.
      if (this.decided.peek().some(({ id }) => id === approval.id))
        this.decided.value = this.decided.peek().filter(({ id }) => id !== approval.id);
    });
  }

  resolve(approval: Approval): void {
    const others = this.decided.value.filter(({ id }) => id !== approval.id);
    batch(() => {
      this.#rows.remove(approval.id);
      this.decided.value = [approval, ...others].sort(byResolution).slice(0, DECIDED);
    });
  }
}

export const approvals = new Approvals();
