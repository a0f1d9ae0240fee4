using Hive.Common.Activities;
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

    // Enough for most swarms, and at most a few thousand words for a model to read.
    private const int MostPeers = 50;

    /// <param name="Name">The agent's name.</param>
    /// <param name="Role">Its role.</param>
    /// <param name="StateDir">Its state folder, by the path under which the agent sees it.</param>
    /// <param name="HiveVersion">The host's version.</param>
    /// <param name="OperatorPronouns">The operator's pronouns.</param>
    /// <param name="Peers">Those it may write to: the operator, the manager, then agents by name.</param>
    /// <param name="MorePeers">The number of peers left out; null for none.</param>
    internal sealed record Result(
        string Name,
        string Role,
        string StateDir,
        string HiveVersion,
        IReadOnlyList<Peer> Peers,
        int? MorePeers = null,
        string? OperatorPronouns = null
    );

    /// <param name="Name">Its name.</param>
    /// <param name="Role">Its role.</param>
    /// <param name="StatusText">Its own description of its work.</param>
    /// <param name="State">What it is doing, in the words of the operator's page; none for the operator.</param>
    internal sealed record Peer(string Name, string Role, string? StatusText = null, string? State = null);

    private static readonly Peer Human = new(Principals.Operator, Principals.Operator);

    internal sealed class Handler(IRoster roster, AgentFolders folders, IActivities activities, HiveOptions options)
        : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var agent = roster.Require(request.Caller.Name);
            var peers = PeersOf(agent);
            return Task.FromResult(
                new Result(
                    agent.Name,
                    agent.Role,
                    folders.StateAsSeenBy(agent),
                    HiveVersion.Text,
                    [.. peers.Take(MostPeers)],
                    peers.Length > MostPeers ? peers.Length - MostPeers : null,
                    options.OperatorPronouns
                )
            );
        }

        private Peer[] PeersOf(AgentEntry agent) =>
            [
                .. agent.MayWriteTo(Principals.Operator) ? [Human] : Array.Empty<Peer>(),
                .. roster
                    .All.Where(peer => peer.Name != agent.Name && agent.MayWriteTo(peer.Name))
                    .Select(peer => new Peer(peer.Name, peer.Role, peer.StatusText, activities.Of(peer.Name)?.State)),
            ];
    }
}
