using System.Text.Json;
using Hive.Common.Errors;
using Hive.Protocol;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hive.Common.Doors;

/// <summary>Turns exceptions of handlers into problem+json.</summary>
public static partial class RestErrors
{
    /// <summary>Runs a handler and answers with an error when it throws.</summary>
    public static async Task Guard(HttpContext http, RequestDelegate handler)
    {
        try
        {
            await handler(http);
        }
        catch (OperationCanceledException e)
            when (http.RequestAborted.IsCancellationRequested || e.InnerException is ConnectionAbortedException)
        {
            // The client has disconnected, or the server has closed the connection; the body's reader can know first.
        }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            var (code, message) = Describe(http, e);
            await Write(http, code, message);
        }
    }

    /// <summary>Answers with an error.</summary>
    public static async Task Write(HttpContext http, ErrorCode code, string message, int? status = null)
    {
        http.Response.StatusCode = status ?? StatusOf(code);
        http.Response.ContentType = "application/problem+json";
        await http.Response.WriteAsync(
            JsonSerializer.Serialize(
                new
                {
                    title = message,
                    detail = message,
                    status = http.Response.StatusCode,
                    code,
                },
                WireJson.Options
            ),
            http.RequestAborted
        );
    }

    private static (ErrorCode Code, string Message) Describe(HttpContext http, Exception error)
    {
        switch (error)
        {
            case Problem problem:
                return (problem.Code, problem.Message);
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                return (
                    ErrorCode.TooLarge,
                    http.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize is { } most
                        ? $"the request body is over {most >> 10} KiB"
                        : "the request body is too large"
                );
            case BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout }:
                return (ErrorCode.Invalid, "the request's body did not arrive in time");
            case BadHttpRequestException or InvalidDataException:
                return (ErrorCode.Invalid, "the request is cut off or malformed");
            default:
                LogUnknown(
                    http.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger("Hive.Rest"),
                    http.Request.Method,
                    http.Request.Path,
                    ActorOf(http),
                    Refusals.AddressOf(http),
                    error
                );
                return (ErrorCode.Internal, "internal error; see the host log");
        }
    }

    private static string ActorOf(HttpContext http) =>
        Gatekeeper.KeyOf(http.Request) is { } key
        && http.RequestServices.GetRequiredService<IOperatorKeys>().NameOf(key) is { } name
            ? name
            : "no key";

    private static int StatusOf(ErrorCode code) =>
        code switch
        {
            ErrorCode.Invalid => StatusCodes.Status400BadRequest,
            ErrorCode.Forbidden => StatusCodes.Status403Forbidden,
            ErrorCode.NotFound => StatusCodes.Status404NotFound,
            ErrorCode.Conflict => StatusCodes.Status409Conflict,
            ErrorCode.TooLarge => StatusCodes.Status413PayloadTooLarge,
            ErrorCode.Limited => StatusCodes.Status429TooManyRequests,
            ErrorCode.Unavailable => StatusCodes.Status503ServiceUnavailable,
            _ => StatusCodes.Status500InternalServerError,
        };

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed, by {Actor} from {Address}")]
    private static partial void LogUnknown(
        ILogger logger,
        string method,
        string path,
        string actor,
        string? address,
        Exception error
    );
}
