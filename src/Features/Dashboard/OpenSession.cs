using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Dashboard;

/// <summary>Exchanges the one-time code of a login link, or the access token, for a session key that the page
/// keeps.</summary>
internal static class OpenSession
{
    internal sealed record Command(string Code) : IRequest<Result>;

    internal sealed record Result(string Key, DateTimeOffset ExpiresAt);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() =>
            RuleFor(c => c.Code)
                .NotEmpty()
                .WithMessage("'code' is missing")
                .MaximumLength(OperatorKeys.MaxLength)
                .WithMessage("'code' is too long");
    }

    internal sealed class Handler(IStore store, OperatorKeys keys, WrongKeys wrongKeys)
        : IRequestHandler<Command, Result>
    {
        // All of it runs inside the write, so that a code is used up only if its session is stored.
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    if (!keys.TakeCode(write, command.Code) && !keys.IsToken(command.Code))
                    {
                        throw Problem.Forbidden(
                            wrongKeys.TooMany(out var wait)
                                ? $"too many wrong codes; try again in {Math.Ceiling(wait.TotalSeconds)} s"
                                : "the login link is used up or older than ten minutes; `hive open` gives a new one"
                        );
                    }

                    var (key, expires) = keys.Open(write);
                    return new Result(key, expires);
                },
                CancellationToken.None
            );
    }
}
