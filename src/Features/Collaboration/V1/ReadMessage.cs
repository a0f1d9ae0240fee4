using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using MediatR;

namespace Hive.Features.Collaboration.V1;

/// <summary>Marks a post as read by the operator for <c>/api/v1</c>: acknowledges the message that he got.</summary>
internal static class ReadMessage
{
    internal sealed record Command(long Id, Caller Caller) : IRequest<Result>;

    internal sealed record Result(bool Success, long MessageId);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("post");
    }

    internal sealed class Handler(IStore store, IReadMarks marks) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command c, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    var post = ThreadTable.RequirePost(write.Db, c.Id);
                    // The others read for themselves: their marks are their own acknowledgements.
                    if (ThreadTable.MessageOf(write.Db, post.Id, c.Caller.Name) is { } message)
                        marks.ReadByOperator(write, message);
                    return new Result(true, post.Id);
                },
                CancellationToken.None
            );
    }
}
