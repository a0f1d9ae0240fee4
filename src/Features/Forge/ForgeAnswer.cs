using System.Net;
using System.Text.Json;

namespace Hive.Features.Forge;

/// <summary>An answer of the forge.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Body">Its JSON.</param>
/// <param name="Said">Its message, without secrets.</param>
internal sealed record ForgeAnswer(HttpStatusCode Status, JsonElement? Body, string Said)
{
    public bool IsSuccess => (int)Status is >= 200 and < 300;

    /// <summary>True when the thing exists already, or its name is not allowed.</summary>
    public bool IsTaken => Status is HttpStatusCode.Conflict or HttpStatusCode.UnprocessableEntity;

    public string? Text(string member) =>
        Body is { ValueKind: JsonValueKind.Object } body
        && body.TryGetProperty(member, out var value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    public bool Is(string member) =>
        Body is { ValueKind: JsonValueKind.Object } body
        && body.TryGetProperty(member, out var value)
        && value.ValueKind == JsonValueKind.True;

    /// <summary>The accounts in a list.</summary>
    /// <exception cref="ForgeFault">The answer is not a list.</exception>
    public IReadOnlyList<ListedAccount> Accounts(string doing) =>
        IsSuccess && Body is { ValueKind: JsonValueKind.Array } listed
            ?
            [
                .. listed
                    .EnumerateArray()
                    .Select(a => new ForgeAnswer(Status, a, ""))
                    .Select(a => new ListedAccount(a.Text("login") ?? "", a.Is("is_admin"))),
            ]
            : throw Refusal(doing);

    /// <summary>True when the forge knows the thing under another name.</summary>
    private bool IsRenamed => (int)Status is >= 300 and < 400;

    public string InShort => $"{(int)Status}{(Said.Length > 0 ? $", {Said}" : "")}";

    /// <summary>The fault that this answer means.</summary>
    public ForgeFault Refusal(string doing) =>
        new(
            $"the forge could not {doing}: "
                + $"{InShort}{(IsRenamed ? ", because it was renamed: give it its old name back, or remove it" : "")}",
            FaultScope.One
        );
}

/// <summary>An account in a list of the forge.</summary>
internal sealed record ListedAccount(string Name, bool IsAdmin)
{
    public bool IsCalled(string name) => Name.Equals(name, StringComparison.OrdinalIgnoreCase);
}
