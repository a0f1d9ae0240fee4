using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using Hive.Protocol.Options;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Tells an agent who it is.</summary>
internal static class WhoAmI
{
    internal sealed record Query(Caller Caller) : IRequest<Result>;

    internal sealed record Result(string Name, string Role, string StateDir, string HiveVersion, string? OperatorPronouns = null);

    internal sealed class Handler(IRoster roster, AgentFolders folders, HiveOptions options) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var agent = roster.Require(request.Caller.Name);
            return Task.FromResult(new Result(agent.Name, agent.Role, folders.StateAsSeenBy(agent), HiveVersion.Text, options.OperatorPronouns));
        }
    }
}
