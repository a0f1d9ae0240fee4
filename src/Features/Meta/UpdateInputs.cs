using FluentValidation;
using Hive.Common.Doors;
using MediatR;

namespace Hive.Features.Meta;

/// <summary>
/// Re-pins inputs to the current revisions of their refs, and rebuilds the agents that use them, one after another.
/// Answers when all inputs are fetched and the update is stored: a start carries on with it. The rebuilds show as
/// transients.
/// </summary>
internal static class UpdateInputs
{
    internal sealed record Command(IReadOnlyList<string> Inputs) : IRequest<Accepted>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() =>
            RuleFor(c => c.Inputs)
                .Must(inputs => inputs is { Count: >= 1 and <= 1000 })
                .WithMessage("'inputs' must name at least one input, as 'meta_inputs' lists them");
    }

    internal sealed class Handler(MetaInputs inputs) : IRequestHandler<Command, Accepted>
    {
        public async Task<Accepted> Handle(Command command, CancellationToken cancellationToken)
        {
            await inputs.Start(command.Inputs, trailers: null, cancellationToken);
            return Accepted.Instance;
        }
    }
}
