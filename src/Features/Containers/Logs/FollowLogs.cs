using System.Runtime.CompilerServices;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Containers.Logs;

/// <summary>Reads an agent's log on the host socket; with <c>follow</c>, sends new output as further lines of
/// JSON.</summary>
internal static class FollowLogs
{
    internal sealed record Query(string Name, long? Lines = null, bool? Follow = null)
        : IRequest<IAsyncEnumerable<object>>,
            IWaitingRequest;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names) => RuleFor(q => q.Name).MustBeAgentsName(names);
    }

    internal sealed class Handler(AgentLogs logs, IRoster roster) : IRequestHandler<Query, IAsyncEnumerable<object>>
    {
        public Task<IAsyncEnumerable<object>> Handle(Query request, CancellationToken cancellationToken)
        {
            roster.Require(request.Name);
            return Task.FromResult(request.Follow == true ? Follow(request, CancellationToken.None) : Once(request));
        }

        private async IAsyncEnumerable<object> Once(Query request)
        {
            yield return new ReadLogs.Result(await logs.Tail(request.Name, request.Lines, CancellationToken.None));
        }

        private async IAsyncEnumerable<object> Follow(Query request, [EnumeratorCancellation] CancellationToken ct)
        {
            await foreach (var added in logs.Follow(request.Name, request.Lines, ct))
                yield return new ReadLogs.Result(added);
        }
    }
}
