using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Persistence;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Acknowledges received messages: they are done and never come again.</summary>
internal static class AckMessages
{
    internal sealed record Command(
        Caller Caller,
        [property: Description("Ids of received messages.")] IReadOnlyList<long>? Ids = null,
        [property: Description("True for all that this connection received.")] bool? All = null) : IRequest<Result>;

    internal sealed record Result(int Acked);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c).Must(c => c.Ids is not null ^ c.All == true).WithMessage("give either 'ids' or 'all': true");
    }

    internal sealed class Handler(IStore store, Broker broker) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) => store.Write(
            write => new Result(broker.Ack(write, command.Caller.Name, command.Ids ?? broker.LeasedTo(command.Caller))),
            CancellationToken.None);
    }
}
