using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Questions;

/// <summary>Cancels a question: its asker gets the answer <c>[cancelled]</c>.</summary>
internal static class CancelQuestion
{
    internal sealed record Command(long Id) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("question");
    }

    internal sealed class Handler(IStore store, Resolution resolution) : IRequestHandler<Command, Done>
    {
        public Task<Done> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    QuestionId.Require(write, command.Id);
                    if (!resolution.TryAnswer(write, command.Id, Resolution.Cancelled, Principals.Operator, []))
                        throw QuestionId.AlreadyAnswered(write, command.Id);
                    return Done.Instance;
                },
                CancellationToken.None
            );
    }
}
