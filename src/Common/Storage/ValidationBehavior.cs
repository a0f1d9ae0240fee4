using FluentValidation;
using Hive.Common.Errors;
using MediatR;

namespace Hive.Common.Storage;

/// <summary>Validates a request before its handler runs, if the request has a validator.</summary>
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

    // A rule may set another code than `invalid` (`.WithErrorCode("TooLarge")`).
    private static Protocol.ErrorCode CodeOf(FluentValidation.Results.ValidationFailure failure) =>
        Enum.TryParse<Protocol.ErrorCode>(failure.ErrorCode, out var code) ? code : Protocol.ErrorCode.Invalid;
}
