using FluentValidation;
using Hive.Common.Errors;
using MediatR;

namespace Hive.Common.Storage;

/// <summary>Checks a request with its validator, if it has one, before its handler sees it.</summary>
internal sealed class ValidationBehavior<TRequest, TResponse>(IEnumerable<IValidator<TRequest>> validators)
    : IPipelineBehavior<TRequest, TResponse>
{
    private readonly IValidator<TRequest>[] validators = [.. validators];

    public Task<TResponse> Handle(
        TRequest request,
        CancellationToken cancellationToken,
        RequestHandlerDelegate<TResponse> next
    )
    {
        foreach (var validator in validators)
        {
            var result = validator.Validate(request);
            if (!result.IsValid)
                throw new Problem(
                    CodeOf(result.Errors[0]),
                    string.Join("; ", result.Errors.Select(e => e.ErrorMessage))
                );
        }

        return next();
    }

    // A rule may name another code than `invalid` (`.WithErrorCode("TooLarge")`).
    private static Protocol.ErrorCode CodeOf(FluentValidation.Results.ValidationFailure failure) =>
        Enum.TryParse<Protocol.ErrorCode>(failure.ErrorCode, out var code) ? code : Protocol.ErrorCode.Invalid;
}
