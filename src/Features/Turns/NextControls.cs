using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Turns.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>Waits for controls and hands them to the harness, each once; controls whose answer could not be delivered
/// wait again.</summary>
internal static class NextControls
{
    internal sealed record Command(Caller Caller, long? WaitSeconds = null)
        : IRequest<Result>,
            IShortRequest,
            IWaitingRequest;

    internal sealed record Result(IReadOnlyList<Control> Controls) : IUndeliverable
    {
        private Action? undo;

        internal Result OrElse(Action undo)
        {
            this.undo = undo;
            return this;
        }

        void IUndeliverable.NotDelivered() => undo?.Invoke();
    }

    internal sealed class Handler(IStore store, Controls controls, IHarnessControl control)
        : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var wait = TimeSpan.FromSeconds(
                Math.Clamp(command.WaitSeconds ?? Limits.DefaultWaitSeconds, 0, Limits.MaxWaitSeconds)
            );
            var agent = command.Caller.Name;
            // The cancel of a turn may have been lost with the host, or with the connection before.
            if (controls.Connect(command.Caller))
            {
                foreach (var turn in await store.Read(db => Turn.Excused(db, agent), cancellationToken))
                    control.CancelTurn(agent, turn);
                controls.Told(command.Caller);
            }

            var taken = await controls.Next(command.Caller, wait, cancellationToken);
            var result = new Result(taken);
            return taken.Count == 0 ? result : result.OrElse(() => controls.PutBack(agent, taken));
        }
    }
}
