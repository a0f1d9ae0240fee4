namespace Hive.ArchitectureTests;

/// <summary>Checks the shape of requests, notifications and types.</summary>
public sealed class UseCaseTests
{
    private static readonly ScannedType[] Types = [.. Solution.Features.Types.Where(t => !t.IsCompilers)];

    // Numbers that are clamped to a range instead of being refused.
    private static readonly string[] Clamped = ["WaitSeconds", "Max", "Limit", "Lines"];

    [Fact]
    public void Every_command_has_a_validator_beside_it()
    {
        var commands = Types.Where(t => t.Inner == "Command" && t.Outer is not null).ToArray();
        Assert.NotEmpty(commands);
        var validators = Types
            .Where(t =>
                t.Inner == "Validator" && t.Parent is { Namespace: "FluentValidation", Name: "AbstractValidator`1" }
            )
            .Select(t => (t.Name.Namespace, t.Outer))
            .ToHashSet();
        Assert.NotEmpty(validators);
        // A command without fields, or with flags alone, has nothing to validate.
        Assert.Empty(
            commands
                .Where(c => HasFields(c) && !validators.Contains((c.Name.Namespace, c.Outer)))
                .Select(c => c.ToString())
        );
    }

    [Fact]
    public void Every_request_is_a_sealed_record_in_a_static_class_with_its_handler()
    {
        var requests = Types
            .Where(t => t.IsClass && t.Faces.Any(f => f is { Namespace: "MediatR", Name: "IRequest`1" }))
            .ToArray();
        Assert.NotEmpty(requests);
        Assert.Empty(requests.Where(r => !r.IsSealed || !r.IsRecord).Select(r => r.ToString()));
        Assert.Empty(
            requests.Where(r => r.Inner is not ("Command" or "Query") || r.Outer is null).Select(r => r.ToString())
        );
        var handlers = Types
            .Where(t => t.Faces.Any(f => f is { Namespace: "MediatR", Name: "IRequestHandler`2" }))
            .Select(t => (t.Name.Namespace, t.Outer))
            .ToArray();
        Assert.Equal(requests.Select(r => (r.Name.Namespace, r.Outer)).Order(), handlers.Order());
        var owners = Types.ToDictionary(t => t.Name);
        Assert.All(
            requests,
            r =>
                Assert.True(
                    owners[r.Name with { Name = r.Outer! }] is { IsAbstract: true, IsSealed: true },
                    $"{r.Outer} is not a static class"
                )
        );
    }

    [Fact]
    public void Every_notification_is_a_sealed_record_in_the_contracts_of_its_slice()
    {
        string[] kinds = ["INotification", "IDashboardNotification", "IAgentRowNotification"];
        var notifications = Types.Where(t => t.IsClass && t.Faces.Any(f => kinds.Contains(f.Name))).ToArray();
        Assert.NotEmpty(notifications);
        Assert.Empty(
            notifications
                .Where(n => !n.IsSealed || !n.IsRecord || !Solution.IsContract(n.Name.Namespace))
                .Select(n => n.ToString())
        );
    }

    [Fact]
    public void Only_contracts_of_the_features_may_be_public()
    {
        Assert.NotEmpty(Types);
        Assert.Empty(
            Types
                .Where(t => t.IsPublic && t.Outer is null && !Solution.IsContract(t.Name.Namespace))
                .Select(t => t.ToString())
        );
    }

    [Fact]
    public void Every_class_is_sealed_unless_another_is_derived_from_it()
    {
        var classes = Solution.All.SelectMany(a => a.Types).Where(t => t.IsClass && !t.IsCompilers).ToArray();
        Assert.NotEmpty(classes);
        var parents = classes.Select(c => c.Parent!.Value).ToHashSet();
        Assert.Empty(
            classes.Where(c => !c.IsSealed && !c.IsAbstract && !parents.Contains(c.Name)).Select(c => c.ToString())
        );
        // An abstract class without a derived one is unused.
        Assert.Empty(
            classes.Where(c => c.IsAbstract && !c.IsSealed && !parents.Contains(c.Name)).Select(c => c.ToString())
        );
    }

    private static bool HasFields(ScannedType command) =>
        command.Properties.Any(p =>
            p.Name != "EqualityContract"
            && p.Type is not { Namespace: "Hive.Common.Doors", Name: "Caller" }
            && p.Type is not { Namespace: "System", Name: "Boolean" }
            && !Clamped.Contains(p.Name)
        );
}
