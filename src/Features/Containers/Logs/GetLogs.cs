using System.ComponentModel;
using FluentValidation;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Containers.Logs;

/// <summary>Lets the manager read an agent's newest output.</summary>
internal static class GetLogs
{
    internal sealed record Query(
        [property: Description("The agent's name.")] string Agent,
        [property: Description("The most lines to return: 50 when left out, at most 500.")] long? Lines = null
    ) : IRequest<ReadLogs.Result>;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names) => RuleFor(q => q.Agent).MustBeAgentsName(names, "agent");
    }

    internal sealed class Handler(IMediator mediator) : IRequestHandler<Query, ReadLogs.Result>
    {
        // A model reads the lines, and an agent decides their length.
        private const int MaxCharacters = 256 << 10;

        public async Task<ReadLogs.Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var read = await mediator.Send(
                new ReadLogs.Query(request.Agent, Math.Clamp(request.Lines ?? 50, 1, 500)),
                cancellationToken
            );
            var (first, left) = (read.Lines.Count, MaxCharacters);
            while (first > 0 && (left -= read.Lines[first - 1].Length) >= 0)
                first--;
            return first == 0 ? read : new ReadLogs.Result([.. read.Lines.Skip(first)], Truncated: true);
        }
    }
}
