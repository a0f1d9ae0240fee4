import { useBounded } from '../../ui/bounded';
import { Refused } from '../../ui/fault';
import { Section } from '../../ui/section';
import { openFailures } from './approval';
import { Card, Failure } from './card';
import { Decided } from './history';
import { SpawnForm } from './spawn';
import { isSeen, refusals, refuse } from './state';
import { approvals } from './store';

const STEP = 25;

/** The approvals that wait for the operator, and the decided ones. */
export function ApprovalsSection() {
  const open = approvals.open.value;
  const decided = approvals.decided.value;
  const failures = openFailures(decided, open, isSeen);
  const pending = approvals.waiting.value;
  const { shown, more } = useBounded(open, STEP);
  return (
    <Section
      feature="approvals"
      id="approvals"
      title="P3NDING APPR0VALS"
      plain="Pending approvals"
      aside={
        <span class="counts">
          {failures.length > 0 ? <span class="badge bad">⚠ {failures.length} failed</span> : null}
          {pending > 0 ? <span class="count amber">{pending} for you</span> : null}
          {open.length > pending ? <span class="count">{open.length - pending} building</span> : null}
        </span>
      }
    >
      <p class="hidden" role="status">
        {pending === 0 ? '' : pending === 1 ? 'One approval waits for you' : `${pending} approvals wait for you`}
      </p>
      <SpawnForm />
      {[...refusals.value]
        .filter(([id]) => !open.some((approval) => approval.id === id))
        .map(([id, error]) => (
          <Refused
            key={id}
            error={`Your decision on #${id} came too late: ${error}`}
            onClose={() => refuse(id, null)}
          />
        ))}
      {open.length + failures.length === 0 ? (
        <p class="empty">
          Nothing waits for your approval. Proposals show here: new agents, changed configurations, updated inputs.
        </p>
      ) : (
        <>
          <ul class="rows">
            {failures.map((approval) => (
              <Failure key={approval.id} approval={approval} />
            ))}
            {shown.map((approval) => (
              <Card key={approval.id} approval={approval} />
            ))}
          </ul>
          {more}
        </>
      )}
      <Decided approvals={decided} />
    </Section>
  );
}
