using FluentValidation;
using Hive.Common.Doors;
using MediatR;

namespace Hive.Features.Containers.Verbs;

/// <summary>Rebuilds every agent that needs it, one after another. Answers at once; transients show the
/// progress.</summary>
internal static class UpdateAll
{
    internal sealed record Command : IRequest<Accepted>;

    internal sealed class Validator : AbstractValidator<Command>;

    internal sealed class Handler(UpdateRound round) : IRequestHandler<Command, Accepted>
    {
        public Task<Accepted> Handle(Command command, CancellationToken cancellationToken)
        {
            round.Begin();
            return Task.FromResult(Accepted.Instance);
        }
    }
}
