using System.ComponentModel;
using Dapper;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.StateFiles.Contracts;
using MediatR;

namespace Hive.Features.Questions;

/// <summary>
/// Answers a question. An agent can answer the questions put to it, the operator any. The first answer counts.
/// </summary>
internal static class AnswerQuestion
{
    internal sealed record Command(
        [property: Description("The question's id, from the message that asked it.")] long Id,
        [property: Description(
            "One of its options, several joined by ', ' where it allows that, or a text of your own; at most "
                + "4096 bytes."
        )]
            string Answer,
        Caller Caller
    ) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IRoster roster, AgentFolders folders)
        {
            RuleFor(c => c.Id).MustBeIdOf("question");
            RuleFor(c => c.Answer).MustBeBody(c => BodyRules.WayOut(c.Caller, roster, folders));
        }
    }

    internal sealed class Handler(IStore store, Resolution resolution, IFileReferences references)
        : IRequestHandler<Command, Done>
    {
        public async Task<Done> Handle(Command command, CancellationToken cancellationToken)
        {
            var refs = await references.ScanAs(command.Caller.Name, command.Answer);
            return await store.Write(
                write =>
                {
                    var target = QuestionId.Require(write, command.Id).Target;
                    if (command.Caller.Kind != CallerKind.Operator && command.Caller.Name != target)
                        throw Problem.Forbidden(
                            $"question {command.Id} was put to {target ?? "the operator"}; no other agent may answer it"
                        );
                    if (!resolution.TryAnswer(write, command.Id, command.Answer, command.Caller.Name, refs))
                        throw QuestionId.AlreadyAnswered(write, command.Id);
                    return Done.Instance;
                },
                CancellationToken.None
            );
        }
    }
}
