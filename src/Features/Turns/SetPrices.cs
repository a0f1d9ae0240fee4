using FluentValidation;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>Replaces the price table; the costs of past turns are computed from it too.</summary>
internal static class SetPrices
{
    internal sealed record Command(IReadOnlyList<ModelPrice> Models) : IRequest<GetPrices.Result>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() =>
            RuleFor(c => c.Models)
                .Custom(
                    (models, context) =>
                    {
                        if (PriceTable.Fault(models) is { } fault)
                            context.AddFailure(fault);
                    }
                );
    }

    internal sealed class Handler(Prices prices) : IRequestHandler<Command, GetPrices.Result>
    {
        public Task<GetPrices.Result> Handle(Command command, CancellationToken cancellationToken)
        {
            prices.Replace(command.Models);
            return Task.FromResult(new GetPrices.Result(prices.Table.Models));
        }
    }
}
