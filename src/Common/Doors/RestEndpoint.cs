using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using Hive.Common.Errors;
using Hive.Protocol;
using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Primitives;

namespace Hive.Common.Doors;

/// <summary>Binds a REST request to its record, runs its handler and writes the answer.</summary>
internal abstract class RestEndpoint
{
    public abstract Task Handle(HttpContext http);

    /// <summary>The HTTP status of a route's answer.</summary>
    public static int StatusOf(Type? request, Type? response) =>
        response == typeof(Accepted) ? StatusCodes.Status202Accepted
        : IsCreated(request) || IsCreated(response) ? StatusCodes.Status201Created
        : StatusCodes.Status200OK;

    private static bool IsCreated(Type? type) => type?.IsAssignableTo(typeof(ICreated)) == true;
}

/// <inheritdoc />
internal sealed class RestEndpoint<TRequest, TResponse>(string path) : RestEndpoint
    where TRequest : IRequest<TResponse>
{
    private static readonly string? ArrayField = DoorJson.Info<TRequest>.ArrayField;
    private readonly bool bodyAlone = !path.Contains('{', StringComparison.Ordinal) && ArrayField is null;

    public override async Task Handle(HttpContext http)
    {
        var ct = http.RequestAborted;
        var request = await Bind(http, ct);
        var mediator = http.RequestServices.GetRequiredService<IMediator>();
        if (Waits && Gatekeeper.KeyOf(http.Request) is { } key)
        {
            // A request that waits ends with its session, as a stream does; any other is answered at once.
            var ended = http.RequestServices.GetRequiredService<IOperatorKeys>().Ended(key);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, ended);
            try
            {
                await Answer(http, await mediator.Send(request, either.Token));
            }
            catch (OperationCanceledException)
                when (ended.IsCancellationRequested && !ct.IsCancellationRequested && !http.Response.HasStarted)
            {
                await RestErrors.Write(
                    http,
                    ErrorCode.Forbidden,
                    "the session ended, or the access token was replaced; sign in again",
                    StatusCodes.Status401Unauthorized
                );
            }

            return;
        }

        await Answer(http, await mediator.Send(request, ct));
    }

    private static bool Waits { get; } = typeof(TRequest).IsAssignableTo(typeof(IWaitingRequest));

    private static Task Answer(HttpContext http, TResponse response)
    {
        http.Response.StatusCode = Status;
        return http.Response.WriteAsJsonAsync(response, WireJson.Options, http.RequestAborted);
    }

    private static int Status { get; } = StatusOf(typeof(TRequest), typeof(TResponse));

    private async Task<TRequest> Bind(HttpContext http, CancellationToken ct)
    {
        byte[]? json = null;
        IFormCollection? form = null;
        if (http.Request.HasFormContentType)
            form = await ReadForm(http.Request, ct);
        else if (http.Request.HasJsonContentType())
            json = await ReadBody(http.Request, ct);
        else if (http.Request.ContentLength > 0)
            throw new Problem(
                ErrorCode.Invalid,
                "the body has an unknown content type; send application/json or a form"
            );
        if (json is { Length: > 0 })
            ClaimedIdentity.Check(json);
        ClaimedIdentity.Check(http.Request.Query);
        if (form is not null)
            ClaimedIdentity.Check(form);
        return json is { Length: > 0 } && bodyAlone && http.Request.Query.Count == 0
            ? DoorJson.Read<TRequest>(json, Caller.Operator)
            : DoorJson.Read<TRequest>(Merge(http.Request, json, form).WrittenSpan, Caller.Operator);
    }

    private static async Task<IFormCollection> ReadForm(HttpRequest request, CancellationToken ct)
    {
        try
        {
            return await request.ReadFormAsync(ct);
        }
        catch (IOException e) when (e is not BadHttpRequestException)
        {
            throw Problem.Invalid("the form is cut off in the middle of a part", e);
        }
        catch (NotSupportedException e)
        {
            // Such as UTF-7, which .NET knows and refuses to decode.
            throw Problem.Invalid("the form's charset is not supported; send UTF-8", e);
        }
    }

    private static async Task<byte[]> ReadBody(HttpRequest request, CancellationToken ct)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, ct);
        return body.ToArray();
    }

    // A field is taken from the route, else the body, else the form, else the query.
    private static ArrayBufferWriter<byte> Merge(HttpRequest request, byte[]? json, IFormCollection? form)
    {
        JsonElement body = default;
        if (json is { Length: > 0 })
        {
            // Copying invalid UTF-8 would put replacement characters into what is stored.
            if (!Utf8.IsValid(json))
                throw DoorJson.NotUtf8();
            try
            {
                body = JsonElement.Parse(json);
            }
            catch (JsonException e)
            {
                throw Problem.Invalid($"invalid JSON: unexpected text at byte {e.BytePositionInLine ?? 0}", e);
            }

            if (body.ValueKind == JsonValueKind.Array ? ArrayField is null : body.ValueKind != JsonValueKind.Object)
                throw Problem.Invalid(
                    ArrayField is null
                        ? "the body must be a JSON object"
                        : $"the body must be a JSON object, or the array '{ArrayField}' alone"
                );
        }

        var buffer = new ArrayBufferWriter<byte>(256);
        using var writer = new Utf8JsonWriter(buffer);
        writer.WriteStartObject();
        foreach (var property in DoorJson.Info<TRequest>.Json.Properties)
        {
            if (property.PropertyType == typeof(Caller))
                continue;
            if (request.RouteValues.TryGetValue(property.Name, out var route))
            {
                Write(writer, property, new StringValues(route?.ToString()));
            }
            else if (body.ValueKind == JsonValueKind.Object && body.TryGetProperty(property.Name, out var member))
            {
                writer.WritePropertyName(property.Name);
                Copy(member, writer);
            }
            else if (body.ValueKind == JsonValueKind.Array && property.Name == ArrayField)
            {
                writer.WritePropertyName(property.Name);
                Copy(body, writer);
            }
            else if (form is not null && form.TryGetValue(property.Name, out var field))
            {
                Write(writer, property, field);
            }
            else if (request.Query.TryGetValue(property.Name, out var query))
            {
                Write(writer, property, query);
            }
        }

        writer.WriteEndObject();
        writer.Flush();
        return buffer;
    }

    private static void Copy(JsonElement member, Utf8JsonWriter writer)
    {
        try
        {
            member.WriteTo(writer);
        }
        catch (InvalidOperationException e)
        {
            // System.Text.Json reports an unpaired surrogate like this.
            throw DoorJson.NotUtf8(e);
        }
    }

    private static void Write(Utf8JsonWriter writer, JsonPropertyInfo property, StringValues values)
    {
        writer.WritePropertyName(property.Name);
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (type != typeof(string) && ElementOf(type) is { } element)
        {
            writer.WriteStartArray();
            foreach (
                var value in values.SelectMany(v =>
                    (v ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                )
            )
                WriteOne(writer, element, value);
            writer.WriteEndArray();
        }
        else
        {
            WriteOne(writer, type, values.ToString());
        }
    }

    private static void WriteOne(Utf8JsonWriter writer, Type type, string value)
    {
        if (type == typeof(bool) && value is "true" or "1" or "on")
            writer.WriteBooleanValue(true);
        else if (type == typeof(bool) && value is "false" or "0" or "off" or "")
            writer.WriteBooleanValue(false);
        else if (
            (type == typeof(long) || type == typeof(int))
            && long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
        )
            writer.WriteNumberValue(whole);
        else
            writer.WriteStringValue(value);
    }

    private static Type? ElementOf(Type type) =>
        type.IsArray
            ? type.GetElementType()
            : type.GetInterfaces()
                .Append(type)
                .FirstOrDefault(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IEnumerable<>))
                ?.GetGenericArguments()[0];
}
