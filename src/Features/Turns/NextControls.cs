using Hive.Common.Doors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>Waits for controls and hands them to the harness, each once; controls whose answer could not be delivered
/// wait again.</summary>
internal static class NextControls
{
    internal sealed record Command(Caller Caller, long? WaitSeconds = null) : IRequest<Result>, IWaitingRequest;

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

    internal sealed class Handler(Controls controls) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var wait = TimeSpan.FromSeconds(
                Math.Clamp(command.WaitSeconds ?? Limits.DefaultWaitSeconds, 0, Limits.MaxWaitSeconds)
            );
            var agent = command.Caller.Name;
            var taken = await controls.Next(command.Caller, wait, cancellationToken);
            var result = new Result(taken);
            return taken.Count == 0 ? result : result.OrElse(() => controls.PutBack(agent, taken));
        }
    }
}
