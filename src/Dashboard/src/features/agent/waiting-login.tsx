import { useEffect, useState } from 'preact/hooks';
import type { WaitingDetail } from '../../ui/registry';
import { AgentText } from '../files';
import { LoginPanel } from './login';
import { AgentLive } from './store';

/** The login of an agent's tool, in place. */
export function LoginDetail({ row: { agent, title, detail, refs } }: WaitingDetail) {
  return (
    <>
      <AgentText text={title} refs={refs} />
      {detail == null ? null : <AgentText text={detail} refs={refs} />}
      {agent == null ? null : <InPlace key={agent} name={agent} />}
    </>
  );
}

function InPlace({ name }: { name: string }) {
  const [it] = useState(() => new AgentLive(name, () => document.visibilityState === 'visible'));
  useEffect(() => {
    const shown = () => it.shown();
    document.addEventListener('visibilitychange', shown);
    it.start();
    return () => {
      document.removeEventListener('visibilitychange', shown);
      it.stop();
    };
  }, [it]);
  return (
    <div class="feature-agent">
      <LoginPanel name={name} it={it} />
    </div>
  );
}
