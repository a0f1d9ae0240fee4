using FluentValidation;
using Hive.Common.Doors;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Decides an open review for <c>/api/v1</c>.</summary>
internal static class DecideTicketReview
{
    /// <param name="Id">The review.</param>
    /// <param name="Verdict"><c>passed</c> or <c>failed</c>.</param>
    /// <param name="Feedback">What has to change; needed for a failure.</param>
    /// <param name="Caller">Who decides.</param>
    internal sealed record Command(long Id, string Verdict, Caller Caller, string? Feedback = null)
        : IRequest<TicketReview>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("review");
    }

    internal sealed class Handler(IMediator mediator) : IRequestHandler<Command, TicketReview>
    {
        public async Task<TicketReview> Handle(Command command, CancellationToken cancellationToken) =>
            new TicketReview(
                (
                    await mediator.Send(
                        new DecideReview.Command(command.Id, command.Verdict, command.Caller, command.Feedback),
                        cancellationToken
                    )
                ).Review
            );
    }
}
