using System.ComponentModel;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Messages;

/// <summary>Leases unread messages, oldest first; waits for a message when none is ready.</summary>
internal static class ReceiveMessages
{
    internal sealed record Command(
        Caller Caller,
        [property: Description(
            "How long to wait for a message, in seconds: 0 returns at once, 180 is the most, 30 the default."
        )]
            long? WaitSeconds = null,
        [property: Description("How many messages to receive at most: 1 by default, 32 is the most.")] long? Max = null
    ) : IRequest<Result>, IWaitingRequest;

    internal sealed record Result(IReadOnlyList<Message> Messages) : IUndeliverable, ICountsMessages
    {
        int ICountsMessages.Messages => Messages.Count;

        private Action? undo;

        internal Result OrElse(Action undo)
        {
            this.undo = undo;
            return this;
        }

        void IUndeliverable.NotDelivered() => undo?.Invoke();
    }

    internal sealed class Handler(
        IStore store,
        Receivers receivers,
        HarnessStartups startups,
        TimeProvider clock,
        IHostApplicationLifetime lifetime
    ) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var wait = TimeSpan.FromSeconds(
                Math.Clamp(command.WaitSeconds ?? Limits.DefaultWaitSeconds, 0, Limits.MaxWaitSeconds)
            );
            var max = (int)Math.Clamp(command.Max ?? 1, 1, Limits.MaxBatch);
            var caller = command.Caller;
            startups.CameUp(caller.Name);
            var waiter = wait > TimeSpan.Zero ? new Waiter(caller.Connection!.Id, max) : null;
            var messages = await store.Write(
                write => receivers.Receive(write, caller, max, waiter),
                CancellationToken.None
            );
            if (messages.Count == 0 && waiter is not null)
                messages = await Wait(caller.Name, waiter, wait, cancellationToken);
            var result = new Result(messages);
            return messages.Count == 0 ? result : result.OrElse(() => Undo(caller, messages));
        }

        private async Task<IReadOnlyList<Message>> Wait(
            string name,
            Waiter waiter,
            TimeSpan wait,
            CancellationToken gone
        )
        {
            await using var timer = clock.CreateTimer(
                _ => Withdraw(name, waiter),
                null,
                wait,
                Timeout.InfiniteTimeSpan
            );
            await using var registration = gone.Register(() => Withdraw(name, waiter));
            return await waiter.Task;
        }

        // Retried until it is stored: a receiver that stayed in line would be given a message that nobody reads.
        private void Withdraw(string name, Waiter waiter) =>
            _ = store.WriteUntilStored(
                write => receivers.Withdraw(write, name, waiter),
                clock,
                lifetime.ApplicationStopping
            );

        private void Undo(Caller caller, IReadOnlyList<Message> messages) =>
            _ = store.WriteUntilStored(
                write => receivers.Undo(write, caller, messages.Select(m => m.Id)),
                clock,
                lifetime.ApplicationStopping
            );
    }
}
