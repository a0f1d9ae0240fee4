using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Features.Turns.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>Shows the state of an agent's harness and the cursor of its stream; can wait until a harness is
/// connected.</summary>
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
            // Taken before the state, so that a change between the two is in the stream as well.
            var cursor = hubs.Of(request.Name).Head.ToString();
            return harnesses.Of(request.Name) with { Cursor = cursor };
        }
    }
}
