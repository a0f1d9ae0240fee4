namespace Hive.Protocol.Options;

/// <summary>Describes one option of the host: its values, and the sentence that help and documents show.</summary>
/// <param name="description">What the option decides; without markup and without a full stop at the end.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OptionAttribute(string description) : Attribute
{
    public string Description { get; } = description;

    /// <summary>The form of a value.</summary>
    public OptionKind Kind { get; init; } = OptionKind.Text;

    /// <summary>The values that <see cref="OptionKind.Choice"/> allows.</summary>
    public string[] Choices { get; init; } = [];

    /// <summary>The smallest number of <see cref="OptionKind.Seconds"/> and <see cref="OptionKind.Decimal"/>.</summary>
    public int Least { get; init; }

    /// <summary>The largest number of <see cref="OptionKind.Decimal"/>.</summary>
    public int Most { get; init; } = 1;

    /// <summary>The default in words; null when the record's own value says it.</summary>
    public string? Default { get; init; }

    /// <summary>A value is never repeated in a message, a log or a child's command line.</summary>
    public bool Secret { get; init; }
}

/// <summary>The forms of options' values.</summary>
public enum OptionKind
{
    /// <summary>One line of text.</summary>
    Text,

    /// <summary>True or false.</summary>
    Switch,

    /// <summary>One of a few words.</summary>
    Choice,

    /// <summary>An http or https address that may have a query.</summary>
    HookUrl,

    /// <summary>A whole number of seconds, at most a day.</summary>
    Seconds,

    /// <summary>A number with at most two decimals.</summary>
    Decimal,

    /// <summary>Rising numbers of seconds, separated by semicolons or commas.</summary>
    SecondsList,

    /// <summary>A folder, or a path where one can be created.</summary>
    Folder,

    /// <summary>A folder with a <c>usr</c> in it.</summary>
    RootFolder,

    /// <summary>Folders, separated by semicolons or commas.</summary>
    Folders,

    /// <summary>A file on the host.</summary>
    File,

    /// <summary>A path that begins with a slash.</summary>
    WholePath,

    /// <summary>The path of a unix socket, also as <c>unix:///path</c>.</summary>
    Socket,

    /// <summary>Addresses to listen at, separated by semicolons.</summary>
    ListenUrls,

    /// <summary>Names of hosts, separated by semicolons or commas.</summary>
    HostNames,

    /// <summary>The domain of a mail address.</summary>
    Domain,

    /// <summary>An address with http or https.</summary>
    Url,

    /// <summary>The name of a container image.</summary>
    Image,

    /// <summary>The operator's token.</summary>
    AccessToken,

    /// <summary>A token or password that somebody else issued.</summary>
    Credential,
}
