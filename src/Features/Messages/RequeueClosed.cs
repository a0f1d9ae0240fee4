using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Requeues at once what an agent's closed connections held; running turns keep their leases.</summary>
internal static class RequeueClosed
{
    internal sealed record Command(Caller Caller) : IRequest<Result>;

    internal sealed record Result(int Requeued) : ICountsMessages
    {
        int ICountsMessages.Messages => Requeued;
    }

    internal sealed class Handler(IStore store, AbandonedLeases abandoned) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write => new Result(abandoned.RequeueClosed(write, command.Caller.Name)),
                CancellationToken.None
            );
    }
}
