using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Sends a message of the operator.</summary>
internal static class OperatorSend
{
    internal sealed record Command(string To, string Body, long? InReplyTo = null, string? Key = null)
        : IRequest<SendMessage.Result>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() =>
            RuleFor(c => c.To)
                .NotEqual(Principals.Operator)
                .WithMessage("'to' is the operator, who cannot send to itself; name an agent or '*'");
    }

    internal sealed class Handler(IMediator mediator) : IRequestHandler<Command, SendMessage.Result>
    {
        public Task<SendMessage.Result> Handle(Command command, CancellationToken cancellationToken) =>
            mediator.Send(
                new SendMessage.Command(command.To, command.Body, Caller.Operator, command.InReplyTo, command.Key),
                cancellationToken
            );
    }
}
