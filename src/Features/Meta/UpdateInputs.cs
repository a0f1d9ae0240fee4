using FluentValidation;
using Hive.Common.Doors;
using MediatR;

namespace Hive.Features.Meta;

/// <summary>Moves chosen inputs to what they follow now, and rebuilds the agents that use them, one after another.
/// Answers when all is fetched; what goes on shows as transients.</summary>
internal static class UpdateInputs
{
    internal sealed record Command(IReadOnlyList<string> Inputs) : IRequest<Accepted>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() =>
            RuleFor(c => c.Inputs)
                .Must(inputs => inputs is { Count: >= 1 and <= 1000 })
                .WithMessage("'inputs' names at least one of the inputs, as 'meta_inputs' lists them");
    }

    internal sealed class Handler(MetaInputs inputs) : IRequestHandler<Command, Accepted>
    {
        public async Task<Accepted> Handle(Command command, CancellationToken cancellationToken)
        {
            await inputs.Begin(command.Inputs, trailers: null, cancellationToken);
            return Accepted.Instance;
        }
    }
}
