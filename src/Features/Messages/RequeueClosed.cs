using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Requeues at once what an agent's closed connections held; running turns keep their leases.</summary>
internal static class RequeueClosed
{
    internal sealed record Command(Caller Caller) : IRequest<Result>, IShortRequest;

    internal sealed record Result(int Requeued) : ICountsMessages
    {
        int ICountsMessages.Messages => Requeued;
    }

    internal sealed class Handler(IStore store, AbandonedLeases abandoned) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var agent = command.Caller.Name;
            var requeued = await store.Write(write => abandoned.RequeueClosed(write, agent), CancellationToken.None);
            await abandoned.Requeued(agent);
            return new Result(requeued);
        }
    }
}
