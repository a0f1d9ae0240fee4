using Hive.Common.Errors;
using Hive.Features.Containers.Contracts;
using MediatR;

namespace Hive.Features.Making;

/// <summary>Removes the agents that <see cref="MakeDemoAgents"/> made, and all their data.</summary>
internal static class RemoveDemoAgents
{
    internal sealed record Command : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<string> Names);

    internal sealed class Handler(IAgentLifecycle lifecycle, DemoAgents agents) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var names = await agents.Existing(cancellationToken);
            if (names.Count == 0)
                throw Problem.NotFound("there are no agents of the demonstration to remove");
            await Task.WhenAll(names.Select(name => lifecycle.Destroy(name, purge: true)));
            return new Result(names);
        }
    }
}
