using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Features.Turns.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>Shows what an agent's harness does and from where its stream goes on; waits for a harness where that is
/// wanted.</summary>
internal static class GetHarness
{
    internal sealed record Query(string Name, long? WaitSeconds = null) : IRequest<HarnessView>, IWaitingRequest;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names) => RuleFor(q => q.Name).MustBeAgentsName(names);
    }

    internal sealed class Handler(IRoster roster, Harnesses harnesses, AgentHubs hubs)
        : IRequestHandler<Query, HarnessView>
    {
        public async Task<HarnessView> Handle(Query request, CancellationToken cancellationToken)
        {
            roster.Require(request.Name);
            if (Math.Clamp(request.WaitSeconds ?? 0, 0, Limits.MaxWaitSeconds) is > 0 and var seconds)
                await harnesses.Connected(request.Name, TimeSpan.FromSeconds(seconds), cancellationToken);
            // Before it is looked at: a change that falls between the two is then in the stream as well.
            var cursor = hubs.Of(request.Name).Head.ToString();
            return harnesses.Of(request.Name) with { Cursor = cursor };
        }
    }
}
