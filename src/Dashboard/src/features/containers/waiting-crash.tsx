import { useKey } from '../../ui/keys';
import { Label } from '../../ui/label';
import { openPanel } from '../../ui/panel';
import type { WaitingDetail } from '../../ui/registry';
import { AgentText } from '../files';

/** An agent that crashed, with its reason and the way to its log. */
export function CrashDetail({ row: { agent, title, detail, refs } }: WaitingDetail) {
  const openLog = () => openPanel(`log:${agent ?? ''}`);
  useKey('log', openLog, agent != null);
  return (
    <>
      <AgentText text={title} refs={refs} />
      {detail == null ? null : (
        <div class="note bad">
          <AgentText text={detail} refs={refs} />
        </div>
      )}
      {agent == null ? null : (
        <p>
          <button type="button" class="act" onClick={openLog}>
            <Label text="↳ L0GS" of={`of ${agent}`} />
          </button>
        </p>
      )}
    </>
  );
}
